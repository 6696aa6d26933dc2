/** What became of orders, in k6's own figures and log. */
import * as figures from "../lib/metrics.ts";
import { openSettle } from "../lib/settle.ts";

export const settle = openSettle(figures, (line) => console.log(line));
