import { execFile } from "node:child_process";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { promisify } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Unavailable } from "../ports.ts";
import { type Grouping, groupWrites } from "./group.ts";

const grouping: Grouping = { maxItems: 4, maxInFlight: 1, maxQueued: 100, lingerMs: 0, deadlineMs: 10_000 };

type Write = {
  readonly items: readonly number[];
  readonly atMs: number;
  end(results?: readonly (string | Error)[]): void;
};

/** A backend that answers each write when the test says so; `r7` is the result of item 7. */
const openBackend = (more: Partial<Grouping> = {}) => {
  const writes: Write[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  const group = groupWrites<number, string>({ ...grouping, ...more }, async (items) => {
    mostInFlight = Math.max(mostInFlight, ++inFlight);
    const answer = Promise.withResolvers<readonly (string | Error)[]>();
    const end = (results = items.map((item) => `r${item}`)): void => {
      answer.resolve(results);
    };
    writes.push({ items, atMs: performance.now(), end });
    try {
      return await answer.promise;
    } finally {
      inFlight--;
    }
  });
  const until = async (count: number): Promise<Write> => {
    for (const end = performance.now() + 5_000; writes.length < count; await turn())
      if (performance.now() > end) expect.fail(`${writes.length} writes instead of ${count}`);
    return writes[count - 1] ?? expect.fail("a write");
  };
  const batches = () => writes.map((write) => write.items);
  return { group, until, batches, mostInFlight: () => mostInFlight };
};

/** What becomes of an add: its result, or its error's reason or message. */
const outcome = (add: Promise<string>): Promise<string> =>
  add.catch((error: unknown) => (error instanceof Unavailable ? error.reason : String(error)));
const outcomes = (adds: readonly Promise<string>[]): Promise<string[]> => Promise.all(adds.map(outcome));

/** Fails when a timer set now fires first: a busy machine delays both alike. */
const within = <T>(ms: number, promise: Promise<T>): Promise<T> =>
  Promise.race([promise, sleep(ms, null, { ref: false }).then(() => expect.fail(`not within ${ms} ms`))]);

const addAll = (group: { add(item: number): Promise<string> }, from: number, to: number): Promise<string>[] =>
  Array.from({ length: to - from + 1 }, (_, index) => group.add(from + index));

test("what is added in one turn shares a write; what waits meanwhile shares the next, in order", async () => {
  const { group, until, batches } = openBackend();
  const first = addAll(group, 1, 3);
  const write = await until(1);
  const rest = [...addAll(group, 4, 6)];
  await sleep(20);
  rest.push(...addAll(group, 7, 12));
  expect(batches()).toEqual([[1, 2, 3]]);
  write.end();
  expect(await outcomes(first)).toEqual(["r1", "r2", "r3"]);
  for (const count of [2, 3, 4]) (await until(count)).end();
  expect(await outcomes(rest)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12].map((item) => `r${item}`));
  expect(batches()).toEqual([[1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12]]);
});

test("an item alone goes at once", async () => {
  const { group, until } = openBackend();
  const result = group.add(1);
  (await within(100, until(1))).end();
  expect(await result).toBe("r1");
});

test("no more writes are under way than allowed", async () => {
  const { group, until, batches, mostInFlight } = openBackend({ maxInFlight: 2 });
  const adds = addAll(group, 1, 20);
  (await until(2)).end();
  (await until(3)).end();
  await sleep(20);
  expect(batches()).toHaveLength(4);
  for (const count of [1, 4, 5]) (await until(count)).end();
  expect(await outcomes(adds)).toEqual(Array.from({ length: 20 }, (_, index) => `r${index + 1}`));
  expect(mostInFlight()).toBe(2);
});

test("an item's own error rejects it alone, a missing result says so", async () => {
  const { group, until } = openBackend();
  const adds = addAll(group, 1, 4);
  (await until(1)).end(["a", new Error("refused"), "c"]);
  expect(await outcomes(adds)).toEqual([
    "a",
    "Error: refused",
    "c",
    "Error: a write answered for fewer items than it got",
  ]);
});

test.each([
  ["rejects", () => Promise.reject(new Unavailable("backend_away", "gone")), "backend_away"],
  ["rejects with no error", () => Promise.reject("gone"), "Error: gone"],
  [
    "throws",
    () => {
      throw new Error("gone");
    },
    "Error: gone",
  ],
])("a write that %s takes its own items with it and no others", async (_, fail, expected) => {
  const group = groupWrites<number, string>(grouping, async (items) => items.map((item) => `r${item}`));
  const broken = groupWrites<number, string>(grouping, (items) =>
    items.includes(2) ? fail() : Promise.resolve(items.map((item) => `r${item}`)),
  );
  expect(await outcomes(addAll(broken, 1, 6))).toEqual([expected, expected, expected, expected, "r5", "r6"]);
  expect(await outcomes(addAll(group, 1, 6))).toEqual(["r1", "r2", "r3", "r4", "r5", "r6"]);
  await Promise.all([broken.close(), group.close()]);
});

test("beyond its bound the queue refuses at once, and takes again when it shrank", async () => {
  const { group, until } = openBackend({ maxQueued: 5 });
  const taken = addAll(group, 1, 2);
  const write = await until(1);
  taken.push(...addAll(group, 3, 7));
  expect(await outcomes(addAll(group, 8, 9))).toEqual(["queue_full", "queue_full"]);
  write.end();
  (await until(2)).end();
  const later = group.add(10);
  (await until(3)).end();
  expect(await outcomes([...taken, later])).toEqual([1, 2, 3, 4, 5, 6, 7, 10].map((item) => `r${item}`));
});

test("past the deadline what waits was not taken, and what is under way may be", async () => {
  const { group, until, batches } = openBackend({ deadlineMs: 300 });
  const started = performance.now();
  const elapsed: number[] = [];
  const timed = (add: Promise<string>): Promise<string> =>
    add.finally(() => elapsed.push(performance.now() - started));
  const sent = addAll(group, 1, 2).map(timed);
  const write = await until(1);
  const queued = addAll(group, 3, 4).map(timed);
  // 100 ms of these are the sweep's
  expect(await within(500, outcomes([...sent, ...queued]))).toEqual([
    "outcome_unknown",
    "outcome_unknown",
    "timeout",
    "timeout",
  ]);
  expect(Math.min(...elapsed)).toBeGreaterThanOrEqual(299);
  // the late answer changes nothing, and what timed out is never written
  const next = group.add(5);
  write.end();
  (await until(2)).end();
  expect(await next).toBe("r5");
  expect(batches()).toEqual([[1, 2], [5]]);
  await group.close();
});

test("close writes out what waits, refuses what comes, and resolves then, also when called twice", async () => {
  const { group, until, batches } = openBackend({ lingerMs: 5_000 });
  const adds = addAll(group, 1, 6);
  const write = await until(1);
  let closed = 0;
  const closing = [group.close(), group.close()].map((each) => each.then(() => closed++));
  expect(await outcomes([group.add(7)])).toEqual(["closing"]);
  write.end();
  const last = await until(2);
  await sleep(20);
  expect(closed).toBe(0);
  last.end();
  await Promise.all([...closing, group.close()]);
  expect(closed).toBe(2);
  expect(await outcomes(adds)).toEqual(["r1", "r2", "r3", "r4", "r5", "r6"]);
  expect(batches()).toEqual([
    [1, 2, 3, 4],
    [5, 6],
  ]);
  expect(await outcomes([group.add(8)])).toEqual(["closing"]);
});

test("close does not wait a linger out", async () => {
  const { group, until } = openBackend({ lingerMs: 60_000, deadlineMs: 100_000 });
  const add = group.add(1);
  await sleep(10);
  const closing = group.close();
  (await until(1)).end();
  await closing;
  expect(await add).toBe("r1");
});

test("a first item lingers for company, but not once the group is full", async () => {
  const { group, until } = openBackend({ lingerMs: 150, maxInFlight: 9 });
  const added = performance.now();
  const alone = group.add(1);
  await sleep(10);
  const second = group.add(2);
  const lingered = await until(1);
  expect(lingered.items).toEqual([1, 2]);
  expect(lingered.atMs - added).toBeGreaterThanOrEqual(148);
  lingered.end();
  const full = openBackend({ lingerMs: 60_000, maxInFlight: 9, deadlineMs: 100_000 });
  const company = [full.group.add(3)];
  await sleep(10);
  company.push(...addAll(full.group, 4, 6));
  const write = await full.until(1);
  expect(write.items).toEqual([3, 4, 5, 6]);
  write.end();
  expect(await outcomes([alone, second, ...company])).toEqual([1, 2, 3, 4, 5, 6].map((item) => `r${item}`));
});

test("what waited for a write longer than the linger does not linger again", async () => {
  const { group, until } = openBackend({ lingerMs: 200 });
  const adds = [group.add(1)];
  const first = await until(1);
  adds.push(group.add(2));
  await sleep(250);
  first.end();
  (await within(150, until(2))).end();
  expect(await outcomes(adds)).toEqual(["r1", "r2"]);
});

test("whatever the timing, every add is answered once with its own result, in order, within the limits", async () => {
  const waits = fc.integer({ min: 0, max: 4 });
  const scenario = fc.record({
    maxItems: fc.integer({ min: 1, max: 5 }),
    maxInFlight: fc.integer({ min: 1, max: 3 }),
    maxQueued: fc.integer({ min: 1, max: 12 }),
    lingerMs: fc.constantFrom(0, 0, 1, 3),
    adds: fc.array(fc.record({ afterMs: waits, count: fc.integer({ min: 1, max: 8 }) }), { maxLength: 8 }),
    writes: fc.array(fc.record({ ms: waits, fails: fc.constantFrom("no", "no", "no", "some", "all") }), {
      minLength: 1,
      maxLength: 6,
    }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ adds, writes, ...limits }) => {
      let inFlight = 0;
      let nextWrite = 0;
      const written: number[] = [];
      const group = groupWrites<number, string>({ ...limits, deadlineMs: 10_000 }, async (items) => {
        const { ms, fails } = writes[nextWrite++ % writes.length] ?? expect.fail("a write");
        expect(++inFlight).toBeLessThanOrEqual(limits.maxInFlight);
        expect(items.length).toBeLessThanOrEqual(limits.maxItems);
        written.push(...items);
        if (ms > 0) await sleep(ms);
        inFlight--;
        if (fails === "all") throw new Error(`e${items.join()}`);
        return items.map((item) => (fails === "some" && item % 2 === 0 ? new Error(`e${item}`) : `r${item}`));
      });
      const answers: Promise<string>[] = [];
      for (const { afterMs, count } of adds) {
        if (afterMs > 0) await sleep(afterMs);
        for (let each = 0; each < count; each++) answers.push(outcome(group.add(answers.length)));
      }
      const closed = group.close();
      const results = await Promise.all(answers);
      await closed;
      expect(inFlight).toBe(0);
      expect(written).toEqual([...written].sort((a, b) => a - b));
      for (const [item, result] of results.entries()) {
        const isWritten = written.includes(item);
        if (!isWritten) expect(result).toBe("queue_full");
        else if (result !== `r${item}`)
          expect(result.slice("Error: e".length).split(",")).toContain(String(item));
      }
      expect(new Set(written).size).toBe(written.length);
    }),
    { numRuns: 60 },
  );
});

test("after its work, closed or not, a group keeps no process alive", async () => {
  const program = (end: string) => `
    import { groupWrites } from ${JSON.stringify(new URL("./group.ts", import.meta.url).href)};
    const limits = { maxItems: 2, maxInFlight: 1, maxQueued: 9, lingerMs: 1, deadlineMs: 60_000 };
    const group = groupWrites(limits, async (items) => items);
    console.log(await Promise.all([1, 2, 3].map((item) => group.add(item))));
    ${end}
    process.on("exit", () => console.log("left:", process.getActiveResourcesInfo().filter((each) => each === "Timeout")));`;
  const run = promisify(execFile);
  const args = ["--input-type=module", "--eval"];
  const ends = ["", "await group.close();", "const last = group.add(4); await group.close(); await last;"];
  await Promise.all(
    ends.map(async (end) => {
      const { stdout } = await run(process.execPath, [...args, program(end)], { timeout: 10_000 });
      expect(stdout).toBe("[ 1, 2, 3 ]\nleft: []\n");
    }),
  );
});
