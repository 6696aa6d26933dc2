/** Mistakes in how the picture is published. */
import type { Mutant } from "./mutant.ts";

export const boardMutants: readonly Mutant[] = [
  // right as long as nothing breaks: each publisher adds what it has counted since to what stands there
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
    exposedAs: /dashboards show what the rollups say/,
  },
  // the readers keep the same rule, so that each side alone hides what the other lets pass
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
