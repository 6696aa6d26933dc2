import { type Follower, followDashboard } from "../../../shared/client/follow.ts";
import type { Status } from "../../../shared/client/status.ts";
import type { Dashboard } from "../../../shared/domain/dashboard.ts";
import { worseOf } from "./honesty.ts";

export type Feed = {
  /** One mode's sales, or those of all; the race is always of all. */
  choose(mode: string): void;
  /** Of the choice; null until its first frame. */
  shown(): Dashboard | null;
  all(): Dashboard | null;
  /** The worse of the two connections, when there are two. */
  status(): Status;
  /** Of the connection for all modes, which no choice touches. */
  raceStatus(): Status;
};

export type FeedOptions = {
  readonly url: string;
  /** With every board of all modes, also while the page is hidden. */
  readonly onAll: (dashboard: Dashboard) => void;
  readonly onChange: () => void;
};

/** Follows all modes, and the one chosen beside them: its recent orders and totals are not in the other. */
export const openFeed = ({ url, onAll, onChange }: FeedOptions): Feed => {
  const all = followDashboard({
    url,
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
      chosen = mode === "all" ? all : followDashboard({ url, mode, onState: onChange, onStatus: onChange });
      onChange();
    },
    shown: () => chosen.state(),
    all: () => all.state(),
    status: () => worseOf(chosen.status(), all.status(), Date.now()),
    raceStatus: () => all.status(),
  };
};
