import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Unavailable } from "../ports.ts";
import {
  addAll,
  grouping,
  oneByOne,
  openBackend,
  outcome,
  outcomes,
  range,
  results,
  turns,
} from "./group.fixture.ts";
import { groupWrites } from "./group.ts";

test("calls of one turn share a write, and calls queued meanwhile share the next, in order", async () => {
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
  expect(await outcomes(rest)).toBe(results(...range(4, 12)));
  expect(batches()).toEqual([[1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12]]);
});

test("a single call is written at the end of its turn of the event loop", async () => {
  const { group, until, batches } = openBackend();
  const result = group.add(1);
  await turns(2);
  expect(batches()).toEqual([[1]]);
  (await until(1)).end();
  expect(await result).toBe("r1");
});

test("an eager write starts in the turn that adds enough items, within maxInFlight", async () => {
  const { group, until, batches, mostInFlight } = openBackend({ maxItems: 9, maxInFlight: 2, eagerItems: 3 });
  const adds = addAll(group, 1, 11);
  expect(batches()).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  (await until(2)).end();
  (await until(3)).end();
  const later = group.add(12);
  (await until(1)).end();
  (await until(4)).end();
  expect(await outcomes([...adds, later])).toBe(results(...range(1, 12)));
  expect(batches()).toEqual([[1, 2, 3], [4, 5, 6], [7, 8, 9, 10, 11], [12]]);
  expect(mostInFlight()).toBe(2);
});

test("an item's error rejects that item alone; a write with too few results rejects all its items", async () => {
  const { group, until } = openBackend();
  const adds = outcomes(addAll(group, 1, 8));
  (await until(1)).end(["a", new Error("refused"), "c", "d"]);
  (await until(2)).end(["e", "f", "g"]);
  const short = "Error: a write returned results for other items";
  expect(await adds).toBe(`a, Error: refused, c, d, ${short}, ${short}, ${short}, ${short}`);
});

test("the items of a call are never split, and their results are returned together", async () => {
  const { calls, until, batches } = openBackend();
  const adds = [calls.add([1])];
  await until(1);
  adds.push(calls.add([2, 3, 4]), calls.add([5, 6]), calls.add([7, 8, 9, 10, 11, 12]), calls.add([13]));
  for (const count of [1, 2, 3, 4, 5]) (await until(count)).end();
  expect(batches()).toEqual([[1], [2, 3, 4], [5, 6], [7, 8, 9, 10, 11, 12], [13]]);
  const joined = (await Promise.all(adds)).map(String);
  expect(joined).toEqual(["r1", "r2,r3,r4", "r5,r6", "r7,r8,r9,r10,r11,r12", "r13"]);
});

test.each([
  ["rejects", () => Promise.reject(new Unavailable("backend_away", "broken")), "backend_away"],
  ["rejects with a text", () => Promise.reject("broken"), "Error: broken"],
  [
    "throws",
    () => {
      throw new Error("broken");
    },
    "Error: broken",
  ],
])("a write that %s rejects only its own items", async (_, fail, expected) => {
  const answer = (items: readonly number[]): string[] => items.map((item) => `r${item}`);
  const group = oneByOne(groupWrites<number, string>(grouping, async (items) => answer(items)));
  const broken = oneByOne(
    groupWrites<number, string>(grouping, (items) =>
      items.includes(2) ? fail() : Promise.resolve(answer(items)),
    ),
  );
  expect(await outcomes(addAll(broken, 1, 6))).toBe(
    `${expected}, ${expected}, ${expected}, ${expected}, r5, r6`,
  );
  expect(await outcomes(addAll(group, 1, 6))).toBe(results(...range(1, 6)));
  await Promise.all([broken.close(), group.close()]);
});

test("a full queue reports it, rejects at once, and accepts again when it has shrunk", async () => {
  const { group, calls, until } = openBackend({ maxQueued: 5 });
  const taken = addAll(group, 1, 2);
  const write = await until(1);
  taken.push(...addAll(group, 3, 6));
  expect(calls.isFull()).toBe(false);
  taken.push(group.add(7));
  expect(calls.isFull()).toBe(true);
  expect(await outcomes(addAll(group, 8, 9))).toBe("queue_full, queue_full");
  write.end();
  (await until(2)).end();
  expect(calls.isFull()).toBe(false);
  const later = group.add(10);
  (await until(3)).end();
  expect(await outcomes([...taken, later])).toBe(results(1, 2, 3, 4, 5, 6, 7, 10));
});

test("after the deadline queued calls time out, and the outcome of those in flight is unknown", async () => {
  const { group, until, batches } = openBackend({ deadlineMs: 300 });
  const started = performance.now();
  const elapsed: number[] = [];
  const timed = (add: Promise<string>): Promise<string> =>
    add.finally(() => elapsed.push(performance.now() - started));
  const sent = addAll(group, 1, 2).map(timed);
  const write = await until(1);
  const queued = addAll(group, 3, 4).map(timed);
  expect(await outcomes([...sent, ...queued])).toBe("outcome_unknown, outcome_unknown, timeout, timeout");
  expect(Math.min(...elapsed)).toBeGreaterThanOrEqual(299);
  // the late answer changes nothing, and what timed out is never written
  const next = group.add(5);
  write.end();
  (await until(2)).end();
  expect(await next).toBe("r5");
  expect(batches()).toEqual([[1, 2], [5]]);
  await group.close();
});

test("stale calls are rejected only while more is queued than one write takes", async () => {
  const { group, calls, until, batches } = openBackend({ maxItems: 2, staleMs: 100 });
  const sent = [outcome(group.add(0))];
  const first = await until(1);
  sent.push(...addAll(group, 1, 3).map(outcome));
  await sleep(120);
  sent.push(...addAll(group, 4, 5).map(outcome));
  first.end();
  const second = await until(2);
  sent.push(...addAll(group, 6, 7).map(outcome));
  await sleep(120);
  second.end();
  (await until(3)).end();
  expect((await Promise.all(sent)).join(", ")).toBe(`r0, timeout, timeout, timeout, ${results(4, 5, 6, 7)}`);
  expect(batches()).toEqual([[0], [4, 5], [6, 7]]);
  // a single call of more items than one write takes is not stale
  const write = group.add(8);
  const [running, large] = [await until(4), calls.add([9, 10, 11])];
  await sleep(120);
  running.end();
  (await until(5)).end();
  expect([await write, ...(await large)]).toEqual(["r8", "r9", "r10", "r11"]);
  await group.close();
});

test("close writes queued calls, rejects new ones, and resolves afterwards, also when called twice", async () => {
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
  expect(await outcomes(adds)).toBe(results(...range(1, 6)));
  expect(batches()).toEqual([
    [1, 2, 3, 4],
    [5, 6],
  ]);
  expect(await outcome(group.add(8))).toBe("closing");
});

test("close does not wait for the linger", async () => {
  const { group, until } = openBackend({ lingerMs: 60_000, deadlineMs: 100_000 });
  const add = group.add(1);
  await sleep(10);
  const closing = group.close();
  (await until(1)).end();
  await closing;
  expect(await add).toBe("r1");
});

test("a first call lingers for others until the group is full", async () => {
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
  const others = [full.group.add(3)];
  await sleep(10);
  others.push(...addAll(full.group, 4, 6));
  const write = await full.until(1);
  expect(write.items).toEqual([3, 4, 5, 6]);
  write.end();
  expect(await outcomes([alone, second, ...others])).toBe(results(...range(1, 6)));
});

test("a call that waited longer than the linger for a write does not linger again", async () => {
  const { group, until, batches } = openBackend({ lingerMs: 200 });
  const adds = [group.add(1)];
  const first = await until(1);
  adds.push(group.add(2));
  await sleep(250);
  first.end();
  await turns(5);
  expect(batches()).toEqual([[1], [2]]);
  (await until(2)).end();
  expect(await outcomes(adds)).toBe(results(1, 2));
});
