import type { Experiment, Point } from "./experiment.ts";

const load = { rate: 50 };
const plain = (arrangement: string): Point => ({ arrangement, name: "", varied: {}, load });

/** Each mode at what it promises. */
const PROMISED: readonly Point[] = ["v1", "v2", "v3"].map(plain);
/** And at less, to see what the promise costs. */
const LESS: readonly Point[] = [
  {
    ...plain("v1"),
    name: "synchronous_commit off",
    varied: { synchronousCommit: "off" },
    settings: { V1_SYNCHRONOUS_COMMIT: "off" },
  },
  {
    ...plain("v2"),
    name: "appendfsync everysec",
    varied: { appendfsync: "everysec" },
    servers: { stream: { appendfsync: "everysec" } },
    settings: { V2_APPENDFSYNC: "everysec" },
  },
  { ...plain("v3"), name: "acks 1", varied: { acks: 1 }, settings: { V3_ACKS: "1" } },
];

export const e1: Experiment = {
  id: "E1",
  question: "What do a reply, freshness and memory look like when nothing is scarce?",
  points: (scale) => (scale === "smoke" ? PROMISED : [...PROMISED, ...LESS]),
  turnedDown: (scale) => (scale === "smoke" ? ["E1: the promised durabilities alone"] : []),
};
