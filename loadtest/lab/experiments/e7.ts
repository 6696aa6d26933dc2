import type { Scale } from "../run/results.ts";
import type { Experiment, Point } from "./experiment.ts";

const CLIENTS: Readonly<Record<Scale, readonly number[]>> = {
  smoke: [200],
  standard: [100, 1_000, 3_000],
  full: [100, 300, 1_000, 3_000, 10_000],
};
const SLOW_SHARES = [0, 0.05] as const;

const point = (clients: number, slowShare: number, hertz: number): Point => ({
  arrangement: "v2",
  name: `${clients} clients, ${slowShare * 100} % slow, ${hertz} Hz`,
  varied: { clients, slowShare, hertz },
  // each order changes the board, so it is sent as often as it may be
  load: { rate: 50 },
  settings: { PUBLISH_EVERY_MS: String(1_000 / hertz) },
  sockets: { clients, slowShare },
});

export const e7: Experiment = {
  id: "E7",
  question: "How many open dashboards does one API process serve, and do slow ones harm the others?",
  points: (scale) => [
    ...CLIENTS[scale].flatMap((clients) => SLOW_SHARES.map((share) => point(clients, share, 10))),
    ...(scale === "full" ? CLIENTS.full.slice(-1).map((clients) => point(clients, 0, 1)) : []),
  ],
  turnedDown: (scale) => {
    const most = CLIENTS[scale].at(-1);
    const short = "slow ones read nothing for too short a time to fill the kernel's buffers";
    return scale === "full" ? [] : [`E7: up to ${most} clients instead of 10 000, at 10 Hz alone; ${short}`];
  },
};
