import type { Experiment, Point } from "./experiment.ts";

const appendfsync = (value: string): Point => ({
  arrangement: "v2",
  name: `appendfsync ${value}`,
  varied: { appendfsync: value },
  load: { rate: { ofCapacity: 0.8 }, ordersPerRequest: 10 },
  // the default, said all the same, has the others' name in every table
  servers: { stream: { appendfsync: value } },
  settings: { V2_APPENDFSYNC: value },
});

/** A few seconds' orders fill it while nobody takes any out. */
const FULL: Point = {
  arrangement: "v2",
  name: "maxmemory 4mb, no worker for a while",
  varied: { maxmemory: "4mb", workers: "stopped for a while" },
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest: 10 },
  servers: { stream: { maxmemory: "4mb" } },
  actions: [
    { do: "stop-workers", at: 0.1 },
    { do: "start-workers", at: 0.7 },
  ],
};

const PAUSED: Point = {
  arrangement: "v2",
  name: "worker paused",
  varied: { workers: "paused for a while" },
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest: 10 },
  actions: [{ do: "pause-worker", at: 0.3, lasts: 0.2 }],
};

export const e6: Experiment = {
  id: "E6",
  question: "What does v2 do when its Redis is slow to sync, full, or not emptied?",
  after: ["E2"],
  points: () => [...["always", "everysec", "no"].map(appendfsync), FULL, PAUSED],
};
