/** What the server knows of its own servers, asked while its figures are old. */
import type { Phase } from "../../../shared/client/status.ts";
import { type Api, Refused, type Told } from "./api.ts";

/** The part of GET /readyz that is read here. */
export type Readiness = Pick<Told, "servers">;

export type Diagnosis = {
  /** With every draw; asks only while the phase calls for it, and now and then. */
  look(phase: Phase): void;
  /** A sentence; empty while nothing is known. */
  cause(): string;
};

const ASK_EVERY_MS = 5_000;

export const causeOf = ({ servers }: Readiness): string => {
  if (servers === undefined) return "";
  const away = [
    ...(servers.postgresql === "ok" ? [] : ["PostgreSQL"]),
    ...(servers.board_redis === "ok" ? [] : ["the board's Redis"]),
  ];
  if (away.length === 0) return "PostgreSQL and the board's Redis answer it, so no worker publishes.";
  return `It says that ${away.join(" and ")} ${away.length === 1 ? "does" : "do"} not answer.`;
};

export const openDiagnosis = (api: Api, onMove: () => void): Diagnosis => {
  let cause = "";
  let isOld = false;
  let askedAtMs = Number.NEGATIVE_INFINITY;

  const ask = async (): Promise<void> => {
    askedAtMs = performance.now();
    const told = causeOf(await readiness(api));
    if (!isOld || told === cause) return;
    cause = told;
    onMove();
  };
  return {
    look: (phase) => {
      isOld = phase === "stale";
      if (!isOld) [cause, askedAtMs] = ["", Number.NEGATIVE_INFINITY];
      else if (performance.now() - askedAtMs >= ASK_EVERY_MS) void ask();
    },
    cause: () => cause,
  };
};

/** A server that is not ready says as much with a 503. */
const readiness = async (api: Api): Promise<Readiness> => {
  try {
    return await api.get<Readiness>("readyz");
  } catch (error) {
    // what could not be asked is not known
    return error instanceof Refused ? error.body : {};
  }
};
