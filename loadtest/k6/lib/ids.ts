/**
 * The ids of a run's orders: a pure function, so that the ledger needs no list of them. Acknowledged are the iterations of
 * a scenario less those in the ledger.
 *
 * A UUIDv7 has 48 bits of time and 74 free ones: two are left 0, then come run (32), scenario (4), iteration (26) and
 * item (10). Ids of one run and scenario grow with the iteration, as ids made by the clock would.
 */

export type OrderParts = {
  /** 32 bits, different for each run. */
  readonly run: number;
  /** Which of the run's scenarios sent it, below 16. */
  readonly scenario: number;
  /** The number of the request within the scenario, below 2^26: six hours of 3 000 requests a second. */
  readonly iteration: number;
  /** The order's place in its request, below 1 024. */
  readonly item: number;
  readonly runStartMs: number;
};

const ITEMS = 2 ** 10;
const MOST = { run: 2 ** 32, scenario: 2 ** 4, iteration: 2 ** 26, item: ITEMS, runStartMs: 2 ** 48 };

/** Throws a RangeError when a part does not fit. */
export const orderId = (
  run: number,
  scenario: number,
  iteration: number,
  item: number,
  runStartMs: number,
): string => idsOf(run, scenario, runStartMs)(iteration, item);

/** The same for many orders of one scenario: the part that they share is computed once. */
export const idsOf = (
  run: number,
  scenario: number,
  runStartMs: number,
): ((iteration: number, item: number) => string) => {
  check({ run, scenario, runStartMs });
  const time = hex(runStartMs, 12);
  const [high, middle, low] = [run >>> 20, (run >>> 8) & 0xfff, run & 0xff];
  const head = `${time.slice(0, 8)}-${time.slice(8)}-7${hex(high, 3)}-8${hex(middle, 3)}-${hex(low, 2)}${hex(scenario, 1)}`;
  return (iteration, item) => {
    if (!(iteration >= 0 && iteration < MOST.iteration && item >= 0 && item < ITEMS))
      check({ iteration, item });
    return head + hex(iteration * ITEMS + item, 9);
  };
};

const ID = /^([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-8([0-9a-f]{3})-([0-9a-f]{2})([0-9a-f])([0-9a-f]{9})$/;

/** The parts of an id; null when it cannot be an id of a run. A random id may have this form: compare the run. */
export const partsOf = (id: string): OrderParts | null => {
  const match = ID.exec(id);
  if (match === null) return null;
  const part = (...groups: number[]): number =>
    Number.parseInt(groups.map((group) => match[group]).join(""), 16);
  const place = part(7);
  return {
    run: part(3, 4, 5),
    scenario: part(6),
    iteration: Math.floor(place / ITEMS),
    item: place % ITEMS,
    runStartMs: part(1, 2),
  };
};

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

const check = (parts: Partial<OrderParts>): void => {
  for (const [name, value] of Object.entries(parts)) {
    const most = MOST[name as keyof OrderParts];
    if (!Number.isInteger(value) || value < 0 || value >= most)
      throw new RangeError(`an id has room for a whole ${name} from 0 to ${most - 1}, not ${value}`);
  }
};
