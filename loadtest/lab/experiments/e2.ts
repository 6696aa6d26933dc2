import type { Experiment, Point, Search } from "./experiment.ts";

const SIZES = [1, 10] as const;
const MODES = ["v1", "v2", "v3"] as const;

const search = (arrangement: string, ordersPerRequest: number): Search => ({ arrangement, ordersPerRequest });

const half = (arrangement: string, ordersPerRequest: number): Point => ({
  arrangement,
  name: "half",
  varied: { purpose: "half" },
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest },
});

export const e2: Experiment = {
  id: "E2",
  question: "How many orders a second does each mode take, and what gives in first?",
  after: ["E0"],
  searches: (scale) => [
    ...MODES.flatMap((mode) => SIZES.map((size) => search(mode, size))),
    ...(scale === "full" ? SIZES : [1]).map((size) => search("v1-each", size)),
  ],
  points: () => MODES.flatMap((mode) => SIZES.map((size) => half(mode, size))),
  turnedDown: (scale) => (scale === "full" ? [] : ["E2: one INSERT per request by single orders alone"]),
};
