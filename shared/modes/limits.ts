/** From a request to its answer at most 2 s are promised; what is not decided by now is refused. */
export const DECISION_MS = 1_800;
