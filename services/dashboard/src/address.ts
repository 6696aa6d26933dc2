/** What of the page stands in its address, so that a view can be shared and found again. */
import { FIRST_RANGE, rangeNamed } from "./history.ts";
import type { Measure } from "./summary.ts";

export type View = {
  /** A mode's name, or `all`. */
  readonly mode: string;
  readonly range: string;
  readonly measure: Measure;
};

export const DEFAULT_VIEW: View = { mode: "all", range: FIRST_RANGE, measure: "orders" };

/** Anything that is not one of the page's own choices is left out. */
export const viewIn = (search: string): View => {
  const query = new URLSearchParams(search);
  const mode = query.get("mode") ?? "";
  return {
    mode: /^[a-z0-9][a-z0-9-]{0,30}$/.test(mode) ? mode : DEFAULT_VIEW.mode,
    range: rangeNamed(query.get("range"))?.name ?? DEFAULT_VIEW.range,
    measure: query.get("show") === "revenue" ? "revenue" : DEFAULT_VIEW.measure,
  };
};

export const searchFor = ({ mode, range, measure }: View): string => {
  const query = new URLSearchParams();
  if (mode !== DEFAULT_VIEW.mode) query.set("mode", mode);
  if (range !== DEFAULT_VIEW.range) query.set("range", range);
  if (measure !== DEFAULT_VIEW.measure) query.set("show", measure);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
};
