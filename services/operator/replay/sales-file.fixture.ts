/** A seeded sales file of any size, with the oddities of real exports, its totals and its bad lines. */
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { demandAt, openCustomers } from "#shared/domain/demand.ts";
import { randomFrom } from "#shared/domain/random.ts";
import { HOUR_MS, iso, MINUTE_MS } from "#shared/domain/time.ts";
import { addTo, keyOf, type Totals } from "./totals.ts";

const CATALOGUE = catalogueFrom({
  stores: ["Uptown", "Downtown", "Central, 2nd floor", 'The "Old" Mill', "Southend"],
  drinks: [
    "Cappuccino",
    "Americano",
    "Caffè Latte",
    "Iced Latte, large",
    "Flat White",
    "Mocha",
    "Tea",
    '12" tray',
  ],
});
const STARTS_MS = Date.UTC(2026, 2, 1);
const HEADER = "id,transaction_date,transaction_time,store_location,product_detail,unit_price,note";
/** One row in so many cannot be sent. */
const BAD_EVERY = 250;

type SalesFile = {
  readonly text: string;
  readonly totals: Totals;
  readonly badLines: readonly number[];
  readonly refunds: number;
};

export const salesFile = (rows: number, seed: number): SalesFile => {
  const random = randomFrom(seed);
  const customers = openCustomers(seed, CATALOGUE);
  const totals: Totals = new Map();
  const badLines: number[] = [];
  let refunds = 0;
  const parts = [`\uFEFF${HEADER}\r\n`];
  let [line, row, nowMs] = [2, 0, STARTS_MS];
  while (row < rows) {
    nowMs += random.gap(MINUTE_MS / 2 / Math.max(0.02, demandAt(nowMs)));
    if (demandAt(nowMs) < 0.02) nowMs += HOUR_MS;
    for (const { store, drink, price } of customers.nextSale(nowMs).slice(0, rows - row)) {
      row++;
      const bad = random.below(BAD_EVERY) === 0 ? random.pick(BAD) : null;
      const [date = "", time = ""] = iso(nowMs).split(/[T.]/);
      const note = !bad && random.below(40) === 0 ? random.pick(NOTES) : "";
      const text = bad
        ? bad(date, time, store, drink)
        : sold(row, date, time, store, drink, Number(price), random.below(8));
      if (bad === refund) refunds++;
      else if (bad) badLines.push(line);
      else addTo(totals, keyOf(store, drink), 1, Math.round(Number(price) * 100));
      parts.push(`${text},${note}\r\n`);
      line += 1 + note.split("\n").length - 1;
    }
  }
  return { text: parts.join(""), totals, badLines, refunds };
};

const NOTES = ['"oat milk, please"', '"extra hot\r\nand ""no foam"""', '5" cup', '"a\nb\nc"'];

type Bad = (date: string, time: string, store: string, drink: string) => string;
const refund: Bad = (date, time, store, drink) => `x,${date},${time},${quoted(store)},${quoted(drink)},-4.25`;
const BAD: readonly Bad[] = [
  refund,
  (date, time, store, drink) => `x,${date},${time},${quoted(store)},${quoted(drink)},`,
  (date, time, store, drink) => `x,${date},${time},${quoted(store)},${quoted(drink)},4.255`,
  (_, time, store, drink) => `x,2026-02-30,${time},${quoted(store)},${quoted(drink)},4.25`,
  (date, time, store) => `x,${date},${time},${quoted(store)},,4.25`,
  (date, time, store, drink) => `x,${date},${time},${quoted(store)},"${drink.replaceAll('"', "")},4.25`,
  (date, _, store, drink) => `x,${date},${quoted(store)},${quoted(drink)},4.25`,
];

const sold = (
  row: number,
  date: string,
  time: string,
  store: string,
  drink: string,
  price: number,
  form: number,
): string => {
  const money = form === 0 ? `"$${price.toFixed(2)}"` : form === 1 ? String(price) : price.toFixed(2);
  return `${row},${date},${time},${quoted(store)},${quoted(drink)},${money}`;
};

const quoted = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
