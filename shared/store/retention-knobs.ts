import { type Static, Type } from "typebox";
import { KEY_MAX_AGE_MS } from "../domain/order-id.ts";
import { DAY_MS, HOUR_MS } from "../domain/time.ts";
import type { Mode } from "../ports.ts";
import { variableOf } from "../runtime/config.ts";

/** Orders go by whole weeks, and a week is kept until its last order is old enough. */
const PARTITION_DAYS = 7;
const KEY_DAYS = KEY_MAX_AGE_MS / DAY_MS;

/** How long what is kept: for the workers, which do it every day, and for `npm run retention`. */
export const retentionKnobs = Type.Object({
  ordersKeepDays: Type.Integer({
    default: 90,
    // a key may be 31 days old, and its order must be there to tell that it comes again
    minimum: KEY_DAYS + PARTITION_DAYS,
    maximum: 36_500,
    description: "days that orders are kept, by the time in their ids; whole weeks go",
  }),
  minutesKeepDays: Type.Integer({
    default: 31,
    minimum: 1,
    maximum: 36_500,
    description: "days that sales by minute are kept",
  }),
  hoursKeepDays: Type.Integer({
    default: 1_100,
    minimum: 1,
    maximum: 36_500,
    description: "days that sales by hour, store and drink are kept",
  }),
  daysKeepDays: Type.Integer({
    default: 11_000,
    // the board's top drinks are those of 30 days
    minimum: 31,
    maximum: 36_500,
    description: "days that sales by day are kept",
  }),
  deadLettersKeepDays: Type.Integer({
    default: 90,
    minimum: 1,
    maximum: 36_500,
    description: "days that dead letters are kept",
  }),
});

export type Keeps = Static<typeof retentionKnobs>;

/**
 * Throws where days would go before their hours, and where a transport may deliver an order again after its row was dropped: it could not be told from a new one.
 * The database would refuse it then, but as a dead letter and not as the duplicate that it is.
 */
export const checkKeeps = (
  { ordersKeepDays, hoursKeepDays, daysKeepDays }: Keeps,
  { name, keeps }: Mode,
  settings: Readonly<Record<string, unknown>>,
): void => {
  if (daysKeepDays < hoursKeepDays)
    throw new Error(
      `DAYS_KEEP_DAYS is "${daysKeepDays}": expected at least the ${hoursKeepDays} of HOURS_KEEP_DAYS, because the ` +
        "days of a store are summed from its hours, for the days that are kept.",
    );
  if (!keeps) return;
  const heldMs = keeps.ms(settings);
  const leastDays = Math.ceil((heldMs + KEY_MAX_AGE_MS) / DAY_MS) + PARTITION_DAYS;
  if (ordersKeepDays >= leastDays) return;
  throw new Error(
    `ORDERS_KEEP_DAYS is "${ordersKeepDays}": expected at least ${leastDays}, because ` +
      `${variableOf(keeps.knob)} is "${settings[keeps.knob]}": ${name} may deliver an order again for ${heldMs / HOUR_MS} hours, ` +
      `its key may be ${KEY_DAYS} days old, and orders are dropped by weeks.`,
  );
};
