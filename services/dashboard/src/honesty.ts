/** What the page says about its own figures: how old they are, which are known, and what is away since when. */
import type { Phase, Status } from "../../../shared/client/status.ts";
import type { Dashboard } from "../../../shared/domain/dashboard.ts";
import type { Formats } from "./format.ts";

export type Notice = {
  readonly tone: "warning" | "trouble";
  readonly title: string;
  /** The moment that the title speaks of. */
  readonly sinceMs: number;
  readonly text: string;
};

/** A connection takes a moment; longer, and somebody waits for an explanation. */
const PATIENCE_MS = 3_000;

/** From well to bad. */
const RANK: Readonly<Record<Phase, number>> = {
  live: 0,
  connecting: 1,
  stale: 2,
  behind: 3,
  disconnected: 4,
  closed: 5,
};

/**
 * Of the connection for the chosen mode and the one for all, what there is to tell. A choice that is being connected is
 * no news while the other has something to say: a click on the filter must not hide that the server is away.
 */
export const worseOf = (chosen: Status, all: Status, nowMs: number): Status => {
  const isYoung = chosen.phase === "connecting" && nowMs - chosen.sinceMs < PATIENCE_MS;
  if (isYoung && all.phase !== "connecting") return all;
  if (chosen.phase === all.phase) return (chosen.ageMs ?? 0) >= (all.ageMs ?? 0) ? chosen : all;
  return RANK[chosen.phase] > RANK[all.phase] ? chosen : all;
};

type Dated = Pick<Dashboard, "as_of" | "stale">;

/** Until when the figures are known, by the server's clock; null when there were none yet. */
export const knownUntilMs = ({
  as_of,
  stale,
  server_timestamp,
}: Dated & Pick<Dashboard, "server_timestamp">): number | null => {
  if (as_of === null) return null;
  return Date.parse(stale ? as_of : server_timestamp);
};

/** A board that nobody has renewed since the hour began says nothing of this hour: not that nothing was sold in it. */
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

/** The banner; null while all is well. `nowMs` by the same clock as the status, `cause` as causeOf tells it. */
export const noticeOf = (
  { phase, sinceMs, ageMs }: Status,
  nowMs: number,
  formats: Formats,
  cause: string,
): Notice | null => {
  const dataMs = ageMs === null ? null : nowMs - ageMs;
  const since = `since ${formats.clock(sinceMs)}`;
  const dataFrom = dataMs === null ? "no known time" : formats.clock(dataMs);
  switch (phase) {
    case "disconnected":
      return {
        tone: "trouble",
        title: `Disconnected ${since}`,
        sinceMs,
        text: `The figures below are those of ${dataFrom}. Trying to connect again, by itself.`,
      };
    case "stale":
      return dataMs === null
        ? {
            tone: "warning",
            title: "No figures yet",
            sinceMs,
            text: `The server answers, and nobody has published a figure. ${cause}`.trim(),
          }
        : {
            tone: "warning",
            title: `Nothing new since ${dataFrom}`,
            sinceMs: dataMs,
            text: `The server answers; its figures are those of that moment. ${cause}`.trim(),
          };
    case "behind":
      return {
        tone: "warning",
        title: `The server is behind ${since}`,
        sinceMs,
        text: `It shows less than this page has seen; the newer figures, of ${dataFrom}, stay until it has caught up.`,
      };
    case "connecting":
      return nowMs - sinceMs < PATIENCE_MS
        ? null
        : {
            tone: "trouble",
            title: `No answer ${since}`,
            sinceMs,
            text: "The server has not sent any live figures yet. Trying again, by itself.",
          };
    default:
      return null;
  }
};

/** Since when each mode has been as badly as it is, as this page heard it; a mode that is well is left out. */
export type Away = Readonly<Record<string, { readonly health: string; readonly sinceMs: number }>>;

export const awayAfter = (away: Away, modes: Dashboard["modes"], nowMs: number): Away => {
  const found = Object.entries(modes).filter(([, { health }]) => health !== "ok");
  const isSame =
    found.length === Object.keys(away).length &&
    found.every(([mode, { health }]) => away[mode]?.health === health);
  if (isSame) return away;
  return Object.fromEntries(
    found.map(([mode, { health }]) => {
      const before = away[mode];
      return [mode, before?.health === health ? before : { health, sinceMs: nowMs }];
    }),
  );
};

/** What the server said last of a mode is not what it is: while nobody hears the server, nobody knows. */
export const healthShown = (health: string, { phase }: Pick<Status, "phase">): string =>
  phase === "live" || phase === "stale" ? health : "unknown";

export const healthText = (health: string, sinceMs: number | undefined, formats: Formats): string => {
  if (health === "unknown") return "Not known for now";
  const since = sinceMs === undefined ? "" : ` since ${formats.clock(sinceMs)}`;
  if (health === "ok") return "Takes orders";
  if (health === "lagging") return `Refuses orders${since}: too many wait`;
  return `Does not answer${since}`;
};

/** Beside a mode's health: a server that takes orders may have nobody who counts them. Empty while it has. */
export const countsText = ({ as_of, stale }: Dated, formats: Formats): string => {
  if (!stale) return "";
  return as_of === null ? "; no counts yet" : `; no counts since ${formats.clock(Date.parse(as_of))}`;
};
