import { beforeEach, describe, expect, test } from "vitest";
import { someOrders } from "../../test/fresh.ts";
import { UsageError } from "./command.ts";
import { one, openLetters } from "./dead-letters.fixture.ts";

const letters = await openLetters();
beforeEach(letters.emptied);

describe("list", () => {
  test("shows open letters, the newest first, and how many there are for each reason", async () => {
    const order = one();
    const malformed = { reason: "malformed", detail: "Expected\n\x1b[2J '}'" };
    await letters.kept({ origin: "17-0", index: -1, payload: "{", ...malformed });
    const cheap = { reason: "23514", detail: "too cheap" };
    await letters.keptOrders([order], { source: "v3", origin: "4:1700", index: 3, ...cheap });
    await letters.kept({ reason: "23514" });
    await letters.run("discard", "3");
    const { status, lines } = await letters.run("list");
    expect(status).toBe(0);
    const at = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;
    expect(lines.map((line) => line.replace(at, "AT").replaceAll(/ {2,}/g, " | "))).toEqual([
      "ID | MODE | ORIGIN | REASON | SET ASIDE | STATE | ORDER | DETAIL",
      `2 | v3 | 4:1700 #3 | 23514 | AT | open | ${order.id} | too cheap`,
      "1 | v2 | 17-0 | malformed | AT | open | - | Expected | [2J '}'",
      "",
      "1 of v2 for malformed",
      "1 of v3 for 23514",
    ]);
  });

  test("filters by mode, reason and limit, and has settled ones with --all", async () => {
    for (const source of ["v2", "v3", "v3"]) await letters.kept({ source });
    await letters.kept({ source: "v3", reason: "23514" });
    await letters.run("discard", "1", "2");
    const ids = async (...args: string[]): Promise<(string | undefined)[]> => {
      const { lines } = await letters.run("list", ...args);
      return lines.slice(1, lines.indexOf("")).map((line) => line.split(" ")[0]);
    };
    expect(await ids()).toEqual(["4", "3"]);
    expect(await ids("--all")).toEqual(["4", "3", "2", "1"]);
    expect(await ids("--all", "--mode", "v3")).toEqual(["4", "3", "2"]);
    expect(await ids("--mode", "v3", "--reason", "22023")).toEqual(["3"]);
    expect((await letters.run("list", "--all", "--limit", "3")).lines).toContain(
      "The newest 3 of 4; --limit shows more.",
    );
    expect((await letters.run("list", "--mode", "v2")).lines).toEqual([
      "There are no such open dead letters.",
    ]);
  });

  test("prints JSON", async () => {
    const order = one();
    await letters.keptOrders([order], { reason: "23514" });
    const { lines } = await letters.run("list", "--json");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      letters: [{ id: "1", source: "v2", index: 0, reason: "23514", orderId: order.id, state: "open" }],
      counts: [{ source: "v2", reason: "23514", letters: 1 }],
    });
  });
});

describe("show", () => {
  test.each([
    ["as it is, when it is text", '{"store":"Zürich ☕",\n"drink":"latte"}', "text"],
    ["in base64, when it has control characters", '"\x1b]0;gotcha\x07"', "base64"],
    ["in base64, with a NUL character", "\0{", "base64"],
  ])("prints the payload %s", async (_name, payload, encoding) => {
    await letters.kept({ payload, detail: "because\nof that", origin: "17-0" });
    const { status, lines } = await letters.run("show", "1");
    expect(status).toBe(0);
    expect(lines).toContain("detail     because of that");
    expect(lines).toContain("origin     17-0, order 0 of the entry");
    expect(lines.at(-1)).toBe(encoding === "text" ? payload : Buffer.from(payload).toString("base64"));
  });

  test("exits with 1 when there is no such letter", async () => {
    expect(await letters.run("show", "99")).toEqual({ status: 1, lines: ["There is no dead letter 99."] });
  });
});

describe("discard", () => {
  test("marks open letters, keeps them, and lets them be replayed after all", async () => {
    await letters.keptOrders(someOrders(2));
    await letters.run("replay", "2");
    const discard = async (...ids: string[]) => {
      const { status, lines } = await letters.run("discard", ...ids);
      return [status, ...lines];
    };
    expect(await discard("1")).toEqual([0, "1: discarded; it is kept and can still be replayed."]);
    expect(await discard("1")).toEqual([0, "1: is discarded; nothing changed."]);
    const others = [1, "2: is replayed; nothing changed.", "3: there is no such dead letter."];
    expect(await discard("2", "3")).toEqual(others);
    const none = ["0 counted now, 0 had been counted before."];
    expect((await letters.run("replay", "--all")).lines).toEqual(none);
    expect((await letters.run("replay", "1")).lines[0]).toBe("1: replayed; 1 counted.");
    expect((await letters.run("list", "--all")).lines.join("\n")).not.toMatch(/open|discarded/);
  });
});

test.each<[string[], RegExp]>([
  [[], /list, show, replay, discard/],
  [["delete", "1"], /not "delete"/],
  [["toString"], /not "toString"/],
  [["list", "1"], /takes options only/],
  [["list", "--limit", "0"], /--limit is "0".*1 to 10000/],
  [["list", "--payload", "x"], /'--payload'/],
  [["show"], /takes the id of one/],
  [["show", "1", "2"], /takes the id of one/],
  [["show", "x"], /"x" is not the id of a dead letter/],
  [["replay"], /--all/],
  [["replay", "1", "--all"], /--all/],
  [["replay", "1", "--mode", "v2"], /with --all/],
  [["replay", "1", "2", "--payload", "x"], /one dead letter/],
  [["replay", "--all", "--payload", "x"], /one dead letter/],
  [["discard", "--all"], /'--all'/],
  [["discard"], /takes the ids/],
])("%j is a usage error", async (args, message) => {
  const outcome = letters.run(...args);
  await expect(outcome).rejects.toThrow(message);
  await expect(outcome).rejects.toThrow(UsageError);
});
