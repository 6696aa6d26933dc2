/** The page's texts about its own figures: their age, what is unknown, and what is unavailable since when. */
import type { Phase, Status } from "../../../shared/client/follow.ts";
import type { Dashboard } from "../../../shared/domain/dashboard.ts";
import type { ErrorBody } from "./api.ts";
import type { Formats } from "./format.ts";

export type Notice = {
  readonly tone: "warning" | "trouble";
  readonly title: string;
  /** The time in the title. */
  readonly sinceMs: number;
  readonly text: string;
};

/** Connecting takes a moment; only a longer wait needs an explanation. */
const CONNECT_WITHIN_MS = 3_000;

/** From good to bad. */
const RANK: Readonly<Record<Phase, number>> = {
  live: 0,
  connecting: 1,
  stale: 2,
  behind: 3,
  disconnected: 4,
  closed: 5,
};

/**
 * The status to show, of the connection for the chosen mode and the one for all modes. A choice that has just started to
 * connect does not count while the other connection is up or down: a click on the filter must not hide an outage.
 */
export const worseOf = (chosen: Status, all: Status, nowMs: number): Status => {
  const isNew = chosen.phase === "connecting" && nowMs - chosen.sinceMs < CONNECT_WITHIN_MS;
  if (isNew && all.phase !== "connecting") return all;
  if (chosen.phase === all.phase) return (chosen.ageMs ?? 0) >= (all.ageMs ?? 0) ? chosen : all;
  return RANK[chosen.phase] > RANK[all.phase] ? chosen : all;
};

type Dated = Pick<Dashboard, "as_of" | "stale">;

/** The time up to which the figures are known, by the server's clock; null before the first figures. */
export const knownUntilMs = ({
  as_of,
  stale,
  server_timestamp,
}: Dated & Pick<Dashboard, "server_timestamp">): number | null => {
  if (as_of === null) return null;
  return Date.parse(stale ? as_of : server_timestamp);
};

/** Whether the board covers this hour. A board last published before the hour does not mean that nothing was sold in it. */
export const knowsHour = ({ as_of, stale, hour_start }: Dated & Pick<Dashboard, "hour_start">): boolean =>
  as_of !== null && (!stale || Date.parse(as_of) >= Date.parse(hour_start));

export const chipText = ({ phase, ageMs }: Status, formats: Formats): string => {
  const words = {
    connecting: "Connecting",
    live: "Live",
    stale: "Stale",
    behind: "Server is behind",
    disconnected: "Disconnected",
    closed: "Closed",
  };
  if (ageMs !== null) return `${words[phase]} · data ${formats.age(ageMs)} old`;
  return phase === "connecting" ? `${words[phase]} …` : `${words[phase]} · no data yet`;
};

/** The banner; null without a problem. `nowMs` is by the clock of the status, `cause` is the text of `causeOf`. */
export const noticeOf = (
  { phase, sinceMs, ageMs }: Status,
  nowMs: number,
  formats: Formats,
  cause: string,
): Notice | null => {
  const dataMs = ageMs === null ? null : nowMs - ageMs;
  const since = `since ${formats.clock(sinceMs)}`;
  const dataFrom = dataMs === null ? "an unknown time" : formats.clock(dataMs);
  switch (phase) {
    case "disconnected":
      return {
        tone: "trouble",
        title: `Disconnected ${since}`,
        sinceMs,
        text: `The figures below are from ${dataFrom}. Reconnecting automatically.`,
      };
    case "stale":
      return dataMs === null
        ? {
            tone: "warning",
            title: "No figures yet",
            sinceMs,
            text: `The server answers, but no worker has published any figures. ${cause}`.trim(),
          }
        : {
            tone: "warning",
            title: `Nothing new since ${dataFrom}`,
            sinceMs: dataMs,
            text: `The server answers, but its figures are from that time. ${cause}`.trim(),
          };
    case "behind":
      return {
        tone: "warning",
        title: `Server behind ${since}`,
        sinceMs,
        text: `It sends older figures than this page already has. Those from ${dataFrom} stay until it has caught up.`,
      };
    case "connecting":
      return nowMs - sinceMs < CONNECT_WITHIN_MS
        ? null
        : {
            tone: "trouble",
            title: `No answer ${since}`,
            sinceMs,
            text: "The server has not sent any live figures yet. Retrying automatically.",
          };
    default:
      return null;
  }
};

/** Why the figures are stale, by the body of GET /readyz. */
export const causeOf = ({ servers }: Pick<ErrorBody, "servers">): string => {
  if (servers === undefined) return "";
  const down = [
    ...(servers.postgresql === "ok" ? [] : ["PostgreSQL"]),
    ...(servers.board_redis === "ok" ? [] : ["the board's Redis"]),
  ];
  if (down.length === 0) return "It reaches PostgreSQL and the board's Redis, so no worker publishes.";
  return `It reports that ${down.join(" and ")} ${down.length === 1 ? "does" : "do"} not answer.`;
};

/** The health of each mode that is not ok, and since when this page has known it. */
export type UnhealthyModes = Readonly<Record<string, { readonly health: string; readonly sinceMs: number }>>;

/** Returns the same object when nothing has changed. */
export const unhealthyAfter = (
  before: UnhealthyModes,
  modes: Dashboard["modes"],
  nowMs: number,
): UnhealthyModes => {
  const found = Object.entries(modes).filter(([, { health }]) => health !== "ok");
  const isSame =
    found.length === Object.keys(before).length &&
    found.every(([mode, { health }]) => before[mode]?.health === health);
  if (isSame) return before;
  return Object.fromEntries(
    found.map(([mode, { health }]) => {
      const known = before[mode];
      return [mode, known?.health === health ? known : { health, sinceMs: nowMs }];
    }),
  );
};

/** The last reported health is unknown now unless the server is connected. */
export const healthShown = (health: string, { phase }: Pick<Status, "phase">): string =>
  phase === "live" || phase === "stale" ? health : "unknown";

export const healthText = (health: string, sinceMs: number | undefined, formats: Formats): string => {
  if (health === "unknown") return "Unknown";
  const since = sinceMs === undefined ? "" : ` since ${formats.clock(sinceMs)}`;
  if (health === "ok") return "Accepts orders";
  if (health === "lagging") return `Rejects orders${since}: too many pending`;
  return `Does not answer${since}`;
};

/** Added to a mode's health: a mode can accept orders while no worker counts them. Empty while one does. */
export const countsText = ({ as_of, stale }: Dated, formats: Formats): string => {
  if (!stale) return "";
  return as_of === null ? "; no counts yet" : `; no counts since ${formats.clock(Date.parse(as_of))}`;
};
