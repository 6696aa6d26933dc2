/** From a request to its answer at most 2 s are promised; what is not decided by now is refused. */
export const DECISION_MS = 1_800;

/**
 * While the first in the queue has waited this long, the backend takes less than what comes: more are refused, so that
 * those accepted are so within half a second. Long enough for a slow fsync or a collection of garbage.
 */
export const MOST_WAIT_MS = 300;
