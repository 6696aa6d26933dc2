/**
 * Runs that are spoiled on purpose: a generator that has to send more than it can, an order taken away, one counted twice.
 * Each has to be void and to say why, or no other run is to be believed.
 */
import type { Pool } from "#shared/store/pool.ts";
import type { Point } from "../experiments/experiment.ts";
import { planned } from "../experiments/layout.ts";
import type { Run } from "../run/results.ts";
import { type Lab, measure } from "../run/run.ts";
import type { SystemUnderTest } from "../run/test-bed.ts";
import { recordOf } from "./record.ts";

type Spoiled = {
  readonly name: string;
  readonly point: Point;
  readonly spoil: ((pool: Pool) => Promise<unknown>) | null;
  /** A sentence of the run's voids. */
  readonly says: RegExp;
};

const SECONDS = { warmUpSeconds: 1, seconds: 5 };
/** No generator on a machine of few cores sends so many. */
const TOO_MANY = 50_000;

const load = { rate: 50, ...SECONDS };

const SPOILED: readonly Spoiled[] = [
  {
    name: "an overloaded generator",
    point: { arrangement: "null", name: "overloaded", varied: {}, load: { rate: TOO_MANY, ...SECONDS } },
    spoil: null,
    says: /the generator (dropped|took)|schedule lag p99/,
  },
  {
    name: "an order that was acknowledged and is gone",
    point: { arrangement: "v2", name: "loss", varied: {}, load },
    spoil: (pool) =>
      pool.query("DELETE FROM orders WHERE order_id = (SELECT min(order_id::text)::uuid FROM orders)"),
    says: /audit: 1 orders acknowledged and lost/,
  },
  {
    name: "an order that was counted twice",
    point: { arrangement: "v2", name: "duplicate", varied: {}, load },
    spoil: (pool) =>
      pool.query(`UPDATE rollup_hour SET orders = orders + 1
        WHERE ctid = (SELECT min(ctid) FROM rollup_hour WHERE orders > 0)`),
    says: /audit: 1 rollup rows differ from the orders/,
  },
];

export type Outcome = { readonly name: string; readonly run: Run; readonly isVoid: boolean };

/** Not kept among results: what was spoiled measures nothing. */
export const selfTest = async (
  lab: Lab,
  names: readonly string[],
  log: (line: string) => void,
): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const { name, point, spoil, says } of SPOILED) {
    if (names.length > 0 && !names.includes(point.name)) continue;
    const beforeAudit = async ({ pool }: SystemUnderTest): Promise<void> => void (await spoil?.(pool));
    const { order, varied, name: place } = planned(point, "smoke", 1, () => null);
    const numbered = { ...order.load, run: outcomes.length + 1, runStartMs: Date.now() };
    const measured = await measure({ ...lab, beforeAudit }, { ...order, load: numbered });
    const { run } = recordOf(
      measured,
      {
        ...{ experiment: "self-test", point: place, repetition: 1, attempt: 1, varied },
        ...{ commit: "", scale: "smoke" },
      },
      lab.pinning,
    );
    const isVoid = run.voids.some((sentence) => says.test(sentence));
    log(
      `${isVoid ? "void, as it should be" : "NOT NOTICED"}: ${name}: ${run.voids.join("; ") || "no word of it"}`,
    );
    outcomes.push({ name, run, isVoid });
  }
  return outcomes;
};
