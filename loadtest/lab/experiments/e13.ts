import type { Experiment } from "./experiment.ts";

/** No runs of its own: the chart is made of the others'. */
export const e13: Experiment = {
  id: "E13",
  question: "Which mode is cheapest while it meets the objective, at each rate?",
  after: ["E2", "E12"],
};
