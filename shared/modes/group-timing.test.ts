import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Unavailable } from "../ports.ts";
import { groupWrites } from "./group.ts";

/** The results of a call's items, or for each the reason or message of the error. */
const outcomes = (call: Promise<readonly (string | Error)[]>, items: number): Promise<string[]> =>
  call.then(
    (results) => results.map(String),
    (error: unknown) => Array(items).fill(error instanceof Unavailable ? error.reason : String(error)),
  );

test("answers every add once with its own result, in order, within the limits, for any timing", async () => {
  const waits = fc.integer({ min: 0, max: 4 });
  const scenario = fc.record({
    maxItems: fc.integer({ min: 1, max: 5 }),
    maxInFlight: fc.integer({ min: 1, max: 3 }),
    maxQueued: fc.integer({ min: 1, max: 12 }),
    lingerMs: fc.constantFrom(0, 0, 1, 3),
    calls: fc.array(
      fc.record({ afterMs: waits, sizes: fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 5 }) }),
      { maxLength: 8 },
    ),
    writes: fc.array(fc.record({ ms: waits, fails: fc.constantFrom("no", "no", "no", "some", "all") }), {
      minLength: 1,
      maxLength: 6,
    }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ calls, writes, ...limits }) => {
      let [inFlight, mostInFlight, mostItems, nextWrite] = [0, 0, 0, 0];
      const written = new Map<number, string>();
      const group = groupWrites<number, string>(
        { ...limits, staleMs: 10_000, deadlineMs: 10_000 },
        async (items) => {
          const { ms, fails } = writes[nextWrite++ % writes.length] ?? expect.fail("a write");
          mostInFlight = Math.max(mostInFlight, ++inFlight);
          mostItems = Math.max(mostItems, items.length);
          const refuses = (item: number): boolean => fails === "all" || (fails === "some" && item % 2 === 0);
          for (const item of items) {
            expect(written.has(item)).toBe(false);
            written.set(item, refuses(item) ? `Error: e${fails === "all" ? items : item}` : `r${item}`);
          }
          if (ms > 0) await sleep(ms);
          inFlight--;
          if (fails === "all") throw new Error(`e${items}`);
          return items.map((item) => (refuses(item) ? new Error(`e${item}`) : `r${item}`));
        },
      );
      const answers: Promise<string[]>[] = [];
      const sent: number[][] = [];
      let next = 0;
      for (const { afterMs, sizes } of calls) {
        if (afterMs > 0) await sleep(afterMs);
        for (const size of sizes) {
          const items = Array.from({ length: size }, () => next++);
          sent.push(items);
          answers.push(outcomes(group.add(items), size));
        }
      }
      await group.close();
      expect(inFlight).toBe(0);
      expect(mostInFlight).toBeLessThanOrEqual(limits.maxInFlight);
      expect(mostItems).toBeLessThanOrEqual(Math.max(limits.maxItems, ...sent.map((items) => items.length)));
      expect([...written.keys()]).toEqual([...written.keys()].sort((a, b) => a - b));
      expect(await Promise.all(answers)).toEqual(
        sent.map((items) => items.map((item) => written.get(item) ?? "queue_full")),
      );
    }),
    { numRuns: 60 },
  );
});

test("an idle group keeps no process alive, closed or not", async () => {
  const program = (end: string) => `
    import { groupWrites } from ${JSON.stringify(new URL("./group.ts", import.meta.url).href)};
    const limits = { maxItems: 2, maxInFlight: 1, maxQueued: 9, lingerMs: 1, staleMs: 60_000, deadlineMs: 60_000 };
    const group = groupWrites(limits, async (items) => items);
    console.log(await Promise.all([1, 2, 3].map((item) => group.add([item]))));
    ${end}
    process.on("exit", () => console.log("left:", process.getActiveResourcesInfo().filter((each) => each === "Timeout")));`;
  const run = promisify(execFile);
  const args = ["--input-type=module", "--eval"];
  const ends = ["", "await group.close();", "const last = group.add([4]); await group.close(); await last;"];
  await Promise.all(
    ends.map(async (end) => {
      const { stdout } = await run(process.execPath, [...args, program(end)], { timeout: 120_000 });
      expect(stdout).toBe("[ [ 1 ], [ 2 ], [ 3 ] ]\nleft: []\n");
    }),
  );
});
