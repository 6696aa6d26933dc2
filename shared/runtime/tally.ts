import { Counter, type Registry } from "prom-client";

export type TallyOptions = {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registry: Registry;
  /** The metric's unit in those of the amounts: 0.01 for amounts in cents and a metric in whole units. */
  readonly unit?: number;
};

/** Adds an amount under the values of the labels, in their order. */
export type Tally = (amount: number, ...values: readonly string[]) => void;

/**
 * A counter for the path of every order: prom-client checks and hashes the labels at each increment, here it does so
 * once for all that came since the last scrape.
 */
export const openTally = ({ name, help, labelNames, registry, unit = 1 }: TallyOptions): Tally => {
  const amounts = new Map<string, number>();
  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      for (const [key, amount] of amounts) {
        const values = key.split(SEPARATOR);
        const labels = Object.fromEntries(labelNames.map((label, index) => [label, values[index] ?? ""]));
        this.inc(labels, amount * unit);
      }
      amounts.clear();
    },
  });
  return (amount, ...values) => {
    const key = values.length === 1 ? (values[0] ?? "") : values.join(SEPARATOR);
    amounts.set(key, (amounts.get(key) ?? 0) + amount);
  };
};

/** No name has it: the rules of orders refuse control characters. */
const SEPARATOR = "\0";
