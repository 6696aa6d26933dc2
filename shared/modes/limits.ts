/** From a request to its answer at most 2 s are promised; what is not decided by now is refused. */
export const DECISION_MS = 1_800;

/** What is accepted under overload is accepted within half a second; the write itself takes the rest of it. */
export const STALE_MS = 300;
