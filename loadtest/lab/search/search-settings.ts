/** What bounds a search for capacity, at each scale. */
import type { ObjectiveName } from "../judge/objectives.ts";
import type { Scale } from "../run/results.ts";

export type SearchSettings = {
  readonly startRate: number;
  /** Below it nothing is tried: a mode that fails there has no capacity to speak of. */
  readonly floorRate: number;
  /** Above it nothing is tried: what the generator can send. */
  readonly ceilingRate: number;
  /** Of the geometric steps. */
  readonly factor: number;
  /** The search ends when the failing rate is at most this many times the one that holds. */
  readonly resolution: number;
  /** Runs beside the search's own: the one that ended it was picked for having held. None: nothing is run for it. */
  readonly confirmations: Readonly<Record<ObjectiveName, number>>;
};

/** Ten percent apart is ±5 % around their middle. */
const RESOLUTION: Readonly<Record<Scale, number>> = { smoke: 1.2, standard: 1.1, full: 1.1 };
/** Two bisections of a step this wide leave less than 1.1; of one of 1.5 they leave a little more, and a third is needed. */
const FACTOR = 1.46;

const ONE = { interactive: 1, relaxed: 1 };
const FIVE = { interactive: 5, relaxed: 5 };
const STRICT = { interactive: 1, relaxed: 0 };
const CONFIRMATIONS = { smoke: STRICT, standard: { interactive: 3, relaxed: 1 }, full: FIVE } as const;
/** Of the null route, where it is the generator that is searched: it need be known to send twice what a mode takes. */
const NULL_CONFIRMATIONS = { smoke: STRICT, standard: ONE, full: FIVE } as const;
const NULL_RESOLUTION: Readonly<Record<Scale, number>> = { smoke: 2, standard: 1.5, full: 1.1 };

export const settingsFor = (
  scale: Scale,
  startRate: number,
  ceilingRate: number,
  isNull = false,
): SearchSettings => ({
  startRate,
  floorRate: 1,
  ceilingRate,
  factor: scale === "smoke" ? 2 : FACTOR,
  resolution: (isNull ? NULL_RESOLUTION : RESOLUTION)[scale],
  confirmations: (isNull ? NULL_CONFIRMATIONS : CONFIRMATIONS)[scale],
});
