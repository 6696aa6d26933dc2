/** The live connections to the server, and GET /readyz while their figures are stale. */
import { type Follower, followDashboard, type Phase, type Status } from "../../../shared/client/follow.ts";
import type { Dashboard } from "../../../shared/domain/dashboard.ts";
import { type Api, type ErrorBody, ErrorReply } from "./api.ts";
import { causeOf, worseOf } from "./status-text.ts";

export type Connections = {
  /** Shows one mode, or `all`. The comparison of modes always uses all. */
  choose(mode: string): void;
  /** The dashboard of the choice; null until its first frame. */
  shown(): Dashboard | null;
  all(): Dashboard | null;
  /** The worse status when there are two connections. */
  status(): Status;
  /** The status of the connection for all modes, which does not depend on the choice. */
  allStatus(): Status;
};

export type ConnectionsOptions = {
  readonly api: Api;
  /** Called with every dashboard of all modes, also while the page is hidden. */
  readonly onAll: (dashboard: Dashboard) => void;
  readonly onChange: () => void;
};

/** Follows all modes, and the chosen one separately: its recent orders and totals are not part of the other. */
export const openConnections = ({ api, onAll, onChange }: ConnectionsOptions): Connections => {
  const about = { url: api.url, ...(api.token !== null && { token: api.token }) };
  const all = followDashboard({
    ...about,
    onState: (dashboard) => {
      onAll(dashboard);
      onChange();
    },
    onStatus: onChange,
  });
  let chosen: Follower = all;
  return {
    choose: (mode) => {
      if (chosen !== all) chosen.close();
      chosen =
        mode === "all" ? all : followDashboard({ ...about, mode, onState: onChange, onStatus: onChange });
      onChange();
    },
    shown: () => chosen.state(),
    all: () => all.state(),
    status: () => worseOf(chosen.status(), all.status(), Date.now()),
    allStatus: () => all.status(),
  };
};

export type StaleCause = {
  /** Called regularly. Sends a request only in the phase `stale`, every few seconds. */
  check(phase: Phase): void;
  /** A sentence; empty while unknown. */
  cause(): string;
};

const CHECK_EVERY_MS = 5_000;

export const openStaleCause = (api: Api, onChange: () => void): StaleCause => {
  let cause = "";
  let isStale = false;
  let checkedAtMs = Number.NEGATIVE_INFINITY;

  const request = async (): Promise<void> => {
    checkedAtMs = performance.now();
    const next = causeOf(await readiness(api));
    if (!isStale || next === cause) return;
    cause = next;
    onChange();
  };
  return {
    check: (phase) => {
      isStale = phase === "stale";
      if (!isStale) [cause, checkedAtMs] = ["", Number.NEGATIVE_INFINITY];
      else if (performance.now() - checkedAtMs >= CHECK_EVERY_MS) void request();
    },
    cause: () => cause,
  };
};

/** The body of GET /readyz, whose status is 503 while the server is not ready; empty without an answer. */
const readiness = async (api: Api): Promise<ErrorBody> => {
  try {
    return await api.get<ErrorBody>("readyz");
  } catch (error) {
    return error instanceof ErrorReply ? error.body : {};
  }
};
