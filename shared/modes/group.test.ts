import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
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
const outcomes = async (adds: readonly Promise<string>[]): Promise<string> =>
  (await Promise.all(adds.map(outcome))).join(", ");
const results = (...items: readonly number[]): string => items.map((item) => `r${item}`).join(", ");

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
  expect(await outcomes(first)).toBe(results(1, 2, 3));
  for (const count of [2, 3, 4]) (await until(count)).end();
  expect(await outcomes(rest)).toBe(results(4, 5, 6, 7, 8, 9, 10, 11, 12));
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
  expect(await outcomes(adds)).toBe(results(...Array.from({ length: 20 }, (_, index) => index + 1)));
  expect(mostInFlight()).toBe(2);
});

test("an item's own error rejects it alone, a missing result says so", async () => {
  const { group, until } = openBackend();
  const adds = addAll(group, 1, 4);
  (await until(1)).end(["a", new Error("refused"), "c"]);
  expect(await outcomes(adds)).toBe(
    "a, Error: refused, c, Error: a write answered for fewer items than it got",
  );
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
  expect(await outcomes(addAll(broken, 1, 6))).toBe(
    `${expected}, ${expected}, ${expected}, ${expected}, r5, r6`,
  );
  expect(await outcomes(addAll(group, 1, 6))).toBe(results(1, 2, 3, 4, 5, 6));
  await Promise.all([broken.close(), group.close()]);
});

test("beyond its bound the queue refuses at once, and takes again when it shrank", async () => {
  const { group, until } = openBackend({ maxQueued: 5 });
  const taken = addAll(group, 1, 2);
  const write = await until(1);
  taken.push(...addAll(group, 3, 7));
  expect(await outcomes(addAll(group, 8, 9))).toBe("queue_full, queue_full");
  write.end();
  (await until(2)).end();
  const later = group.add(10);
  (await until(3)).end();
  expect(await outcomes([...taken, later])).toBe(results(1, 2, 3, 4, 5, 6, 7, 10));
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
  expect(await within(500, outcomes([...sent, ...queued]))).toBe(
    "outcome_unknown, outcome_unknown, timeout, timeout",
  );
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
  expect(await outcome(group.add(7))).toBe("closing");
  write.end();
  const last = await until(2);
  await sleep(20);
  expect(closed).toBe(0);
  last.end();
  await Promise.all([...closing, group.close()]);
  expect(closed).toBe(2);
  expect(await outcomes(adds)).toBe(results(1, 2, 3, 4, 5, 6));
  expect(batches()).toEqual([
    [1, 2, 3, 4],
    [5, 6],
  ]);
  expect(await outcome(group.add(8))).toBe("closing");
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
  expect(await outcomes([alone, second, ...company])).toBe(results(1, 2, 3, 4, 5, 6));
});

test("what waited for a write longer than the linger does not linger again", async () => {
  const { group, until } = openBackend({ lingerMs: 200 });
  const adds = [group.add(1)];
  const first = await until(1);
  adds.push(group.add(2));
  await sleep(250);
  first.end();
  (await within(150, until(2))).end();
  expect(await outcomes(adds)).toBe(results(1, 2));
});
