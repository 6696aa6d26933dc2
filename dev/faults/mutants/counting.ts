/** Bugs in the statements that count, and in how the board is published. */
import type { Mutant } from "./mutant.ts";

const FILE = "shared/store/count.ts";
const STORED = "shared/modes/direct/count-stored.ts";
const DRIFT = /rollup rows differ from the orders/;

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
    exposedAs: /orders stored with another body/,
  },
  // a transaction that began earlier commits after the count, below the newest one that the count saw
  {
    name: "v1-greatest-seen-as-watermark",
    mode: "v1",
    fault: "overlapping-ticks",
    edits: [
      {
        file: STORED,
        find: "pg_snapshot_xmin(pg_current_snapshot()), next_direct_mark(",
        replace: "pg_snapshot_xmax(pg_current_snapshot()), next_direct_mark(",
      },
    ],
    exposedAs: DRIFT,
  },
  // the condition of the UPDATE repeats the rule: either alone keeps the watermark from moving back
  {
    name: "v1-watermark-moves-back",
    mode: "v1",
    fault: "overlapping-ticks",
    edits: [
      { file: STORED, find: "greatest(direct_watermark, least(", replace: "(least(" },
      { file: STORED, find: " WHERE meta.direct_watermark < mark.hi", replace: "" },
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
  // right as long as nothing breaks: each publisher adds to the published board what it has counted since
  {
    name: "board-of-increments",
    mode: "v2",
    fault: "flush-board",
    edits: [
      {
        file: "services/worker/worker.ts",
        find: "    board: parts.board,",
        replace: `    board: {
      ...parts.board,
      publish: async (next) => {
        const [shown, added] = [await parts.board.read(), brought];
        const orders = (shown?.views[parts.mode]?.orders ?? 0) + added;
        const view = next.views[parts.mode];
        const views = view ? { ...next.views, [parts.mode]: { ...view, orders } } : next.views;
        const result = await parts.board.publish({ ...next, views });
        if (result === "published") brought -= added;
        return result;
      },
    },`,
      },
      {
        file: "services/worker/worker.ts",
        find: "  let unpublishedOrders = 0;",
        replace: "  let unpublishedOrders = 0;\n  let brought = 0;",
      },
      {
        file: "services/worker/worker.ts",
        find: "    publisher.changed();",
        replace: "    brought += orders;\n    publisher.changed();",
      },
    ],
    exposedAs: /differs from the orders/,
  },
  // readers apply the same rule, so that either side alone hides the bug of the other
  {
    name: "board-without-guard",
    mode: "v2",
    fault: "overtaking-publishers",
    edits: [
      {
        file: "shared/board/board.ts",
        find: "  if epoch < e or (epoch == e and (version < v or as_of <= a)) then return 'older' end\n",
        replace: "",
      },
      {
        file: "shared/board/board.ts",
        find: "floor === null || isNewer(board, floor)",
        replace: "true",
      },
    ],
    exposedAs: /saw version/,
  },
];
