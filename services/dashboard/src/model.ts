import type { Status } from "../../../shared/client/status.ts";
import type { Dashboard } from "../../../shared/domain/dashboard.ts";
import type { Setup } from "../../../shared/wire/setup.ts";
import type { View } from "./address.ts";
import type { Formats } from "./format.ts";
import type { Away } from "./honesty.ts";
import type { Paces } from "./pace.ts";

/** Everything that is drawn. Members that did not change stay the same objects, so that who draws them can tell. */
export type Model = {
  readonly view: View;
  readonly formats: Formats;
  /** Sales of the chosen mode, or of all. */
  readonly shown: Dashboard | null;
  readonly all: Dashboard | null;
  /** Of what is shown as a whole: the worse of the connections. */
  readonly status: Status;
  /** Of the connection for all modes. */
  readonly raceStatus: Status;
  /** Why the figures are old, as far as the server can tell. */
  readonly cause: string;
  readonly setup: Setup | null;
  /** Why there is no setup. */
  readonly setupProblem: string | null;
  readonly paces: Paces;
  readonly away: Away;
  readonly modes: readonly string[];
};

/** Whether the server sends this page new figures. */
export const isHeard = ({ raceStatus }: Pick<Model, "raceStatus">): boolean => raceStatus.phase === "live";

export type Part = {
  draw(model: Model): void;
  /** A board of all modes has come; also while the page is hidden. */
  hear?(dashboard: Dashboard): void;
  /** The theme is another one: canvases are painted anew. */
  recolour?(): void;
};

/** Calls `draw` once before the next paint, however often it is asked; not at all while the page is hidden. */
export const openPainter = (draw: () => void): (() => void) => {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      draw();
    });
  };
};
