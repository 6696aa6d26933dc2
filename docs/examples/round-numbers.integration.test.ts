import { afterAll, expect, test } from "vitest";
import { until } from "../../test/fresh.ts";
import { startProgram } from "../../test/processes.ts";
import { LATTE, postOrder } from "../../test/requests.ts";
import { startSystem } from "../../test/system.ts";

const system = await startSystem({ modes: ["v2"] });
afterAll(system.close);

test("the example prints each round number once, as soon as it is sold", async () => {
  const order = async (store: string): Promise<void> => {
    expect((await postOrder(system.url, "v2", { ...LATTE, store })).status).toBe(202);
  };
  const example = startProgram("docs/examples/round-numbers.ts", {}, [system.url, "5"]);
  try {
    // it may connect after the first orders, and the hour may end: the next five follow soon
    await until(`a round number is printed: ${example.output()}`, async () => {
      await order("uptown");
      return /uptown has sold its order number \d*[05] of this hour\n/.test(example.output());
    });
    await order("central");
    const lines = example.output().trim().split("\n");
    expect(new Set(lines).size).toBe(lines.length);
    expect(example.output()).not.toContain("central");
    await system.board.kill();
    await until("stale data is reported", () => /^stale, data \d/m.test(example.output()));
    await system.board.start();
  } finally {
    await example.kill("SIGTERM");
  }
});
