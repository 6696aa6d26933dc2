/**
 * A second service on the live dashboard: says when a store has sold another hundred orders of the hour.
 *
 *     node docs/examples/round-numbers.ts [http://127.0.0.1:8005] [100]
 */
import { followDashboard } from "../../shared/client/follow.ts";

const [url = "http://127.0.0.1:8005", every = "100"] = process.argv.slice(2);
/** How many hundreds each store has had; of one hour of one truth. */
let told = new Map<string, number>();
let hour = "";

followDashboard({
  url,
  onState: ({ epoch, hour_start, hour_stores, stale }) => {
    // figures of an old board are true, and too old to be news
    if (stale) return;
    const isFirst = hour === "";
    if (hour !== `${epoch} ${hour_start}`) told = new Map();
    hour = `${epoch} ${hour_start}`;
    for (const { store, orders } of hour_stores) {
      const hundreds = Math.floor(orders / Number(every));
      // what was sold before this program came is not news either
      if (!isFirst && hundreds > (told.get(store) ?? 0))
        console.log(`${store} has sold its order number ${hundreds * Number(every)} of this hour`);
      told.set(store, hundreds);
    }
  },
  onStatus: ({ phase, text }) => {
    if (phase !== "live") console.error(text);
  },
});
