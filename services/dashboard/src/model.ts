/** What the page draws: the view that its address selects, and the latest state of everything shown. */
import type { Status } from "../../../shared/client/follow.ts";
import type { Dashboard } from "../../../shared/domain/dashboard.ts";
import type { Setup } from "../../../shared/wire/operations.ts";
import type { Formats } from "./format.ts";
import { FIRST_RANGE, type Measure, rangeNamed } from "./sales-bars.ts";
import type { UnhealthyModes } from "./status-text.ts";
import type { Trends } from "./trends.ts";

/** The part of the state that the address keeps, so that a view can be shared and reloaded. */
export type View = {
  /** A mode's name, or `all`. */
  readonly mode: string;
  readonly range: string;
  readonly measure: Measure;
};

export const DEFAULT_VIEW: View = { mode: "all", range: FIRST_RANGE, measure: "orders" };

/** The view of an address's query. Unknown values are ignored. */
export const viewIn = (search: string): View => {
  const query = new URLSearchParams(search);
  const mode = query.get("mode") ?? "";
  return {
    mode: /^[a-z0-9][a-z0-9-]{0,30}$/.test(mode) ? mode : DEFAULT_VIEW.mode,
    range: rangeNamed(query.get("range"))?.name ?? DEFAULT_VIEW.range,
    measure: query.get("show") === "revenue" ? "revenue" : DEFAULT_VIEW.measure,
  };
};

/** The address's query for a view; empty for the default view. */
export const searchFor = ({ mode, range, measure }: View): string => {
  const query = new URLSearchParams();
  if (mode !== DEFAULT_VIEW.mode) query.set("mode", mode);
  if (range !== DEFAULT_VIEW.range) query.set("range", range);
  if (measure !== DEFAULT_VIEW.measure) query.set("show", measure);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
};

/** Unchanged members stay the same objects, so that parts can skip drawing them again. */
export type Model = {
  readonly view: View;
  readonly formats: Formats;
  /** The dashboard of the chosen mode, or of all modes. */
  readonly shown: Dashboard | null;
  readonly all: Dashboard | null;
  /** The worse status of the two connections. */
  readonly status: Status;
  /** The status of the connection for all modes. */
  readonly allStatus: Status;
  /** Why the figures are stale, as far as the server knows; empty while unknown. */
  readonly cause: string;
  readonly setup: Setup | null;
  /** The error of GET /api/setup. */
  readonly setupProblem: string | null;
  /** The server requires a token, or another one than this page has. */
  readonly isDenied: boolean;
  readonly trends: Trends;
  readonly unhealthy: UnhealthyModes;
  /** The running modes, sorted by name. */
  readonly modes: readonly string[];
};

/** Whether this page receives new figures. */
export const isReceiving = ({ allStatus }: Pick<Model, "allStatus">): boolean => allStatus.phase === "live";

export type Part = {
  draw(model: Model): void;
  /** Called with each dashboard of all modes, also while the page is hidden and draws nothing. */
  onDashboard?(dashboard: Dashboard): void;
  /** Called when the theme has changed: canvases must be painted again. */
  recolour?(): void;
};

/** Calls `draw` once before the next paint, however often it is called; not while the page is hidden. */
export const openPainter = (draw: () => void): (() => void) => {
  let isScheduled = false;
  return () => {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      draw();
    });
  };
};
