import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { type Door, openDoor } from "./door.ts";

let now: number;
let door: Door;
let entered: string[];
beforeEach(() => {
  now = 1_000;
  door = openDoor(() => now);
  entered = [];
});

/** A request that takes so long once it is let in: in its own time, as a body's end comes. */
const come = (name: string, tookMs = 0): boolean =>
  door.pass(() => {
    entered.push(name);
    process.nextTick(() => {
      now += tookMs;
    });
  });
const letGo = async (): Promise<string> => {
  await turn();
  const names = entered.join(" ");
  entered = [];
  return names;
};

test("who comes alone comes in at once", () => {
  expect(come("a")).toBe(true);
  expect(entered).toEqual(["a"]);
});

test("what comes after a turn has lasted 5 ms waits for the next, in the order of arrival", async () => {
  come("a");
  now += 4;
  come("b");
  now += 1;
  expect([come("c"), come("d")]).toEqual([true, true]);
  expect(entered).toEqual(["a", "b"]);
  now += 1;
  expect(await letGo()).toBe("a b c d");
});

test("nobody overtakes those who wait", async () => {
  come("a");
  now += 10;
  come("b");
  now -= 10;
  come("c");
  expect(await letGo()).toBe("a b c");
});

test("each turn lets in what it has time for, one at least", async () => {
  come("a");
  now += 10;
  for (const name of ["b", "c", "d"]) come(name, 6);
  come("e", 50);
  come("f", 50);
  const turns: string[] = [];
  for (let count = 0; count < 8; count++) turns.push(await letGo());
  const letIn = turns.filter((names) => names !== "");
  expect(letIn.join(" ")).toBe("a b c d e f");
  expect(letIn.length).toBeGreaterThan(2);
});

test("between two turns the rest of the loop has its time, and a rested door is open", async () => {
  come("a");
  now += 1_000;
  await turn();
  expect(come("b")).toBe(true);
  expect(entered).toEqual(["a", "b"]);
});

test("when the first has waited 100 ms no more are let wait, and none of those who wait is forgotten", async () => {
  come("a");
  now += 10;
  come("b");
  now += 100;
  expect(come("c")).toBe(true);
  now += 1;
  expect(come("d")).toBe(false);
  await turn();
  await turn();
  expect(entered).toEqual(["a", "b", "c"]);
  expect(come("e")).toBe(true);
});
