import type { Experiment } from "../experiment.ts";

export const e0: Experiment = {
  id: "E0",
  question: "How much can the generator send, and the API answer, when there is nothing behind it?",
  searches: () => [1, 10].map((ordersPerRequest) => ({ arrangement: "null", ordersPerRequest })),
};
