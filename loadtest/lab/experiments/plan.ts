/** The runs of a suite, their order, and how long they take: pure, so that `--plan` can print it. */
import { type Random, randomFrom } from "../../../shared/domain/random.ts";
import { arrangementNamed, peerOf } from "../run/arrangements.ts";
import type { Peer } from "../run/peers.ts";
import type { Scale } from "../run/results.ts";
import type { Experiment, Point } from "./experiment.ts";
import { OVERHEAD_SECONDS, sizeOf, TIMES } from "./layout.ts";

export type Work =
  | Readonly<{ kind: "search"; experiment: string; arrangement: string; size: number }>
  | Readonly<{ kind: "point"; experiment: string; point: Point; repetition: number }>;

/** A point that only k6 can send. */
export const needsK6 = (work: Work): boolean => work.kind === "point" && work.point.generator === "k6";

/** The peer whose program has to be built for it. */
export const neededPeer = (work: Work): Peer | null =>
  peerOf(arrangementNamed(work.kind === "point" ? work.point.arrangement : work.arrangement));

export type Selection = {
  readonly experiments: readonly Experiment[];
  readonly scale: Scale;
  /** v1, v2, v3: variants and peers go with their modes, and the null route with all. */
  readonly modes: readonly string[];
  readonly seed: number;
};

export const planOf = (selection: Selection): Work[] => {
  const { experiments, scale, seed } = selection;
  const random = randomFrom(seed);
  const ids = experiments.map(({ id }) => id);
  const isWanted = (arrangement: string): boolean => {
    const found = arrangementNamed(arrangement);
    const modes = peerOf(found)?.comparedWith ?? (found.mode === null ? null : [found.mode]);
    return modes === null || modes.some((mode) => selection.modes.includes(mode));
  };
  const works = experiments.flatMap((experiment) => worksOf(experiment, scale, random, isWanted));
  // with E2 these come with its searches
  const missing = ids.includes("E2") ? [] : peaksFor(works);
  return [...missing, ...works];
};

/** Modes take turns by chance, so that what drifts on the machine falls on all alike. */
const worksOf = (
  { id, searches, points }: Experiment,
  scale: Scale,
  random: Random,
  isWanted: (arrangement: string) => boolean,
): Work[] => {
  const searched = (searches?.(scale) ?? []).filter(({ arrangement }) => isWanted(arrangement));
  const wanted = (points?.(scale) ?? []).filter(({ arrangement }) => isWanted(arrangement));
  const most = Math.max(0, ...wanted.map(({ repetitions = 1 }) => repetitions));
  const rounds = Array.from({ length: most }, (_, index) => index + 1);
  return [
    ...random
      .shuffled(searched)
      .flatMap(({ arrangement, ordersPerRequest: size }): Work[] => [
        peakOf(id, arrangement, size),
        { kind: "search", experiment: id, arrangement, size },
      ]),
    ...rounds.flatMap((repetition) =>
      restartsLast(random.shuffled(wanted.filter(({ repetitions = 1 }) => repetition <= repetitions))).map(
        (point): Work => ({ kind: "point", experiment: id, point, repetition }),
      ),
    ),
  ];
};

/** A broker that was just started is slow, and has to be warmed up for whatever comes after. */
const restartsLast = (points: readonly Point[]): Point[] => {
  const restarts = ({ actions = [] }: Point): boolean =>
    actions.some((each) => each.do === "restart-backend");
  return [...points.filter((point) => !restarts(point)), ...points.filter(restarts)];
};

/** The most that an arrangement accepts, by wrk. */
export const peakOf = (experiment: string, arrangement: string, ordersPerRequest: number): Work => ({
  ...{ kind: "point", experiment, repetition: 1 },
  point: { arrangement, name: "", varied: {}, load: { ordersPerRequest }, measure: "closed-loop" },
});

/** Rates that are shares of a capacity need at least a guess at it; one that is known makes this no work. */
const peaksFor = (works: readonly Work[]): Work[] => {
  const needed = new Map<string, Work>();
  for (const work of works) {
    if (work.kind !== "point" || typeof work.point.load.rate !== "object") continue;
    const { arrangement } = work.point;
    const size = sizeOf(work.point) === 1 ? 1 : 10;
    needed.set(`${arrangement} ${size}`, peakOf("E2", arrangement, size));
  }
  return [...needed.values()];
};

/** Runs of a search: steps, bisections and confirmations at both objectives, as simulated systems need them. */
const SEARCH_RUNS: Readonly<Record<Scale, number>> = { smoke: 6, standard: 9, full: 13 };
/** The null route's begins at its ceiling: one run, and its confirmations; and two short ones to find that. */
const NULL_RUNS: Readonly<Record<Scale, number>> = { smoke: 3, standard: 3, full: 7 };

/** In seconds. */
export const estimateOf = (work: Work, scale: Scale, overheadSeconds = OVERHEAD_SECONDS): number => {
  const times = TIMES[scale];
  const whole = times.warmUpSeconds + times.seconds + overheadSeconds;
  switch (work.kind) {
    case "search":
      return (work.arrangement === "null" ? NULL_RUNS : SEARCH_RUNS)[scale] * whole;
    case "point": {
      const { load, measure } = work.point;
      if (measure !== undefined) return (load.seconds ?? times.peakSeconds) * 1.5 + overheadSeconds;
      return (load.warmUpSeconds ?? times.warmUpSeconds) + (load.seconds ?? times.seconds) + overheadSeconds;
    }
  }
};

/** "1 h 42 min", "3 min", "40 s" */
export const timeText = (seconds: number): string => {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

export const nameOfWork = (work: Work): string => {
  const { experiment } = work;
  if (work.kind !== "point")
    return `${experiment}, ${work.kind} of ${work.arrangement} (${work.size} a request)`;
  return `${experiment}, ${arrangementNamed(work.point.arrangement).name} ${work.point.name}`.trim();
};

/** "E9, v3 2 workers, 25 a request at 1.1 of capacity: 20 s" */
export const textOfWork = (work: Work, scale: Scale): string => {
  const took = timeText(estimateOf(work, scale));
  if (work.kind !== "point") return `${nameOfWork(work)}: ${took}`;
  const { measure, load } = work.point;
  const { rate = 0 } = load;
  const rateText = typeof rate === "number" ? `${rate}/s` : `${rate.ofCapacity} of capacity`;
  const at = measure === undefined ? `at ${rateText}` : `by ${measure}`;
  return `${nameOfWork(work)}, ${sizeOf(work.point)} a request ${at}: ${took}`;
};
