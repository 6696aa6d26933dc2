/**
 * An example of a second service on the live dashboard: prints a line when a store has sold another hundred orders in the
 * current hour.
 *
 *     node docs/examples/round-numbers.ts [http://127.0.0.1:8005] [100]
 */
import { followDashboard } from "../../shared/client/follow.ts";

const [url = "http://127.0.0.1:8005", every = "100"] = process.argv.slice(2);
/** The hundreds already printed, by store; for one hour of one epoch. */
let printed = new Map<string, number>();
let hour = "";

console.error(`following ${url}; the first line comes when a store has sold another ${every} orders`);
followDashboard({
  url,
  onState: ({ epoch, hour_start, hour_stores, stale }) => {
    // the figures of a stale board are correct, but too old to print
    if (stale) return;
    const isFirst = hour === "";
    if (hour !== `${epoch} ${hour_start}`) printed = new Map();
    hour = `${epoch} ${hour_start}`;
    for (const { store, orders } of hour_stores) {
      const hundreds = Math.floor(orders / Number(every));
      // sales from before the start are not printed
      if (!isFirst && hundreds > (printed.get(store) ?? 0))
        console.log(`${store} has sold its order number ${hundreds * Number(every)} of this hour`);
      printed.set(store, hundreds);
    }
  },
  onStatus: ({ phase, text }) => {
    if (phase !== "live") console.error(text);
  },
});
