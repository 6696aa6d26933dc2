import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { lagProblem, openAdmission, openTurns, type Rejection, type Turns } from "./limits.ts";

let now: number;
let turns: Turns;
let entered: string[];
beforeEach(() => {
  now = 1_000;
  turns = openTurns(() => now);
  entered = [];
});

/** A request with this duration once it is admitted, spent later in the turn, like the end of a body. */
const enter = (name: string, tookMs = 0): boolean =>
  turns.enter(() => {
    entered.push(name);
    process.nextTick(() => {
      now += tookMs;
    });
  });
const enteredInTurn = async (): Promise<string> => {
  await nextTurn();
  const names = entered.join(" ");
  entered = [];
  return names;
};

describe("turns of the event loop", () => {
  test("admit a single request at once", () => {
    expect(enter("a")).toBe(true);
    expect(entered).toEqual(["a"]);
  });

  test("admit for 5 ms; later requests wait for the next turn, in the order of arrival", async () => {
    enter("a");
    now += 4;
    enter("b");
    now += 1;
    expect([enter("c"), enter("d")]).toEqual([true, true]);
    expect(entered).toEqual(["a", "b"]);
    now += 1;
    expect(await enteredInTurn()).toBe("a b c d");
  });

  test("let no request overtake one that waits", async () => {
    enter("a");
    now += 10;
    enter("b");
    now -= 10;
    enter("c");
    expect(await enteredInTurn()).toBe("a b c");
  });

  test("admit requests for their time, at least one each", async () => {
    enter("a");
    now += 10;
    for (const name of ["b", "c", "d"]) enter(name, 6);
    enter("e", 50);
    enter("f", 50);
    const found: string[] = [];
    for (let count = 0; count < 8; count++) found.push(await enteredInTurn());
    const admitted = found.filter((names) => names !== "");
    expect(admitted.join(" ")).toBe("a b c d e f");
    expect(admitted.length).toBeGreaterThan(2);
  });

  test("admit at once after a pause", async () => {
    enter("a");
    now += 1_000;
    await nextTurn();
    expect(enter("b")).toBe(true);
    expect(entered).toEqual(["a", "b"]);
  });

  test("reject once the first has waited for 100 ms, and keep those that wait", async () => {
    enter("a");
    now += 10;
    enter("b");
    now += 100;
    expect(enter("c")).toBe(true);
    now += 1;
    expect(enter("d")).toBe(false);
    await nextTurn();
    await nextTurn();
    expect(entered).toEqual(["a", "b", "c"]);
    expect(enter("e")).toBe(true);
  });
});

describe("admission", () => {
  const mode = { lag: null as string | null, full: false };
  const state = { lagProblem: () => mode.lag, isFull: () => mode.full };
  beforeEach(() => Object.assign(mode, { lag: null, full: false }));

  const admitted = (): (Rejection | null)[] => {
    const results: (Rejection | null)[] = [];
    openAdmission(turns)(state, (rejection) => results.push(rejection));
    return results;
  };

  test("checks the lag, then the queue, then the turn", () => {
    expect(admitted()).toEqual([null]);
    Object.assign(mode, { full: true });
    expect(admitted()).toEqual([{ reason: "queue_full" }]);
    Object.assign(mode, { lag: "too many" });
    expect(admitted()).toEqual([{ reason: "lag", why: "too many" }]);
    Object.assign(mode, { lag: null, full: false });
    now += 10;
    expect(admitted()).toEqual([]);
    now += 101;
    expect(admitted()).toEqual([{ reason: "overloaded" }]);
  });

  test("checks again after a wait for a turn: the queue may be full", async () => {
    enter("a");
    now += 10;
    const results = admitted();
    expect(results).toEqual([]);
    mode.full = true;
    await nextTurn();
    expect(results).toEqual([{ reason: "queue_full" }]);
  });
});

test.each([
  [{ orders: 20, oldestMs: 9_000_000 }, null],
  [{ orders: 21, oldestMs: 0 }, "too many orders wait to be counted"],
  [{ orders: 1, oldestMs: 499, keptMs: 1_000 }, null],
  [
    { orders: 1, oldestMs: 500, keptMs: 1_000 },
    "orders wait to be counted for half the time that this mode keeps them",
  ],
])("the lag of %j beyond 20 orders: %s", (backlog, problem) => {
  expect(lagProblem(backlog, 20)).toBe(problem);
});
