/** Mistakes in the statements that count. */
import type { Mutant } from "./mutant.ts";

const FILE = "shared/store/count.ts";
const DRIFT = /rollups differ from the orders/;

export const countingMutants: readonly Mutant[] = [
  {
    name: "unsorted-batch",
    mode: "v2",
    fault: "rival-deliveries",
    edits: [
      {
        file: FILE,
        find: "FROM (SELECT * FROM input ORDER BY id, position) AS sorted",
        replace: "FROM input",
      },
    ],
    exposedAs: /deadlocks/,
  },
  {
    name: "v2-no-tie-break",
    mode: "v2",
    fault: "one-id-two-bodies",
    edits: [{ file: FILE, find: "ORDER BY id, position) AS sorted", replace: "ORDER BY id) AS sorted" }],
    exposedAs: /orders stored with another payload/,
  },
  // a transaction that began earlier ends after the tick, below what the tick has seen
  {
    name: "v1-greatest-seen-as-watermark",
    mode: "v1",
    fault: "overlapping-ticks",
    edits: [
      {
        file: FILE,
        find: "pg_snapshot_xmin(pg_current_snapshot()), next_direct_mark(",
        replace: "pg_snapshot_xmax(pg_current_snapshot()), next_direct_mark(",
      },
    ],
    exposedAs: DRIFT,
  },
  // the bound of the UPDATE is the same rule once more: either alone keeps the mark from moving back
  {
    name: "v1-watermark-moves-back",
    mode: "v1",
    fault: "overlapping-ticks",
    edits: [
      { file: FILE, find: "greatest(direct_watermark, least(", replace: "(least(" },
      { file: FILE, find: " WHERE meta.direct_watermark < mark.hi", replace: "" },
    ],
    exposedAs: DRIFT,
  },
  {
    name: "duplicates-filtered-in-the-input",
    mode: "v2",
    fault: "net-api-stream-replies-lost",
    edits: [
      { file: FILE, find: "), counted AS (\n  INSERT INTO", replace: "), stored AS (\n  INSERT INTO" },
      {
        file: FILE,
        find: '), ${rollUp("(SELECT count(*) FROM input)',
        replace: `), counted AS (
  SELECT DISTINCT ON (id) id AS order_id, $2::text AS mode, store, drink, price_cents, event_time, accepted_at FROM input
), \${rollUp("(SELECT count(*) FROM input)`,
      },
    ],
    exposedAs: DRIFT,
  },
];
