import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { addAll, openBackend, outcomes, results, within } from "./group.fixture.ts";

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
