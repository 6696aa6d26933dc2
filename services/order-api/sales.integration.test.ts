import { afterAll, describe, expect, test } from "vitest";
import { until } from "../../test/fresh.ts";
import { getJson, postOrder } from "../../test/requests.ts";
import { startSystem } from "../../test/system.ts";

type Sales = {
  rows: { bucket: string; mode: string; store: string; drink: string; orders: number; revenue: number }[];
  next: string | null;
};

/** A cursor in the form of the API. */
const cursor = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString("base64url");

const system = await startSystem({ modes: ["v1", "v2"] });
afterAll(system.close);

/** Over in every time zone: tests that send orders of now add none to it. */
const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);

const get = (query: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${system.url}/api/sales?from=${day}T00:00:00Z&${query}`, { headers });
const sales = async (query: string): Promise<Sales> => (await (await get(query)).json()) as Sales;
const total = ({ rows }: Sales): number => rows.reduce((sum, row) => sum + row.orders, 0);

for (const mode of ["v1", "v2"])
  for (const [store, drink, time] of [
    ["uptown", "latte", "09:10"],
    ["uptown", "latte", "09:50"],
    ["uptown", "tea", "10:00"],
    ["central", "latte", "10:30"],
  ])
    await postOrder(system.url, mode, { store, drink, price: "4.10", timestamp: `${day}T${time}:00Z` });
await until("eight are counted", async () => total(await sales("")) === 8);

test("returns hours by mode, store and drink, to the cent", async () => {
  const { rows, next } = await sales("bucket=hour&mode=v1");
  expect(next).toBeNull();
  expect(rows.map(({ bucket, ...row }) => ({ hour: bucket.slice(11, 16), ...row }))).toEqual([
    { hour: "09:00", mode: "v1", store: "uptown", drink: "latte", orders: 2, revenue: 8.2 },
    { hour: "10:00", mode: "v1", store: "central", drink: "latte", orders: 1, revenue: 4.1 },
    { hour: "10:00", mode: "v1", store: "uptown", drink: "tea", orders: 1, revenue: 4.1 },
  ]);
});

test("returns days and filtered sales; minutes have no stores", async () => {
  expect((await sales("bucket=day&mode=v2&store=uptown&drink=latte")).rows).toMatchObject([
    { orders: 2, revenue: 8.2 },
  ]);
  expect((await sales("bucket=minute&mode=v2")).rows).toMatchObject(
    Array.from({ length: 4 }, () => ({ store: null, drink: null, orders: 1, revenue: 4.1 })),
  );
  expect(total(await sales("mode=all&drink=tea"))).toBe(2);
});

test("pages have no gap and no overlap", async () => {
  const whole = await sales("bucket=hour");
  const pieces: Sales["rows"] = [];
  for (let next: string | null = ""; next !== null; ) {
    const page: Sales = await sales(`bucket=hour&limit=2${next ? `&cursor=${next}` : ""}`);
    expect(page.rows.length).toBeLessThanOrEqual(2);
    pieces.push(...page.rows);
    next = page.next;
  }
  expect(pieces).toEqual(whole.rows);
});

test("rows are split by the query's columns and its filters", async () => {
  const shown = async (query: string) =>
    (await sales(query)).rows.map(({ store, drink, orders }) => [store, drink, orders]);
  for (const bucket of ["hour", "day"]) {
    const mode = `bucket=${bucket}&mode=v1`;
    const isHour = bucket === "hour";
    expect(await shown(`${mode}&by=store`)).toEqual([
      ...(isHour ? [["uptown", null, 2]] : []),
      ["central", null, 1],
      ["uptown", null, isHour ? 1 : 3],
    ]);
    expect(await shown(`${mode}&by=drink&drink=tea`)).toEqual([[null, "tea", 1]]);
    expect(await shown(`${mode}&by=none`)).toEqual(
      isHour ? [2, 2].map((n) => [null, null, n]) : [[null, null, 4]],
    );
    expect(await shown(`${mode}&by=store&drink=tea`)).toEqual([["uptown", "tea", 1]]);
  }
});

test("returns CSV by Accept, or by format, which takes precedence, in the same pages", async () => {
  const response = await get("mode=v1&limit=2", { accept: "text/csv" });
  expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
  expect(response.headers.get("content-disposition")).toMatch(
    /^attachment; filename="sales-hour-[\d-]{10}.csv"$/,
  );
  const [header, ...lines] = (await response.text()).split("\r\n");
  expect(header).toBe("bucket,mode,store,drink,orders,revenue");
  expect(lines.map((line) => line.slice(line.indexOf(",") + 1))).toEqual([
    "v1,uptown,latte,2,8.20",
    "v1,central,latte,1,4.10",
    "",
  ]);
  const next = nextOf(response, "mode=v1&limit=2");
  const rest = await fetch(next, { headers: { accept: "text/csv" } });
  expect((await rest.text()).split("\r\n")[1]).toMatch(/v1,uptown,tea,1,4.10$/);
  expect(rest.headers.get("link")).toBeNull();
  expect((await get("format=json", { accept: "text/csv" })).headers.get("content-type")).toMatch(/json/);
  expect(await (await get("format=csv&mode=v1&store=none")).text()).toBe(`${header}\r\n`);
});

/** The target of the Link header. */
const nextOf = (response: Response, query: string): string => {
  const [, target] = /^<([^>]+)>; rel="next"$/.exec(response.headers.get("link") ?? "") ?? [];
  return new URL(target ?? expect.fail("a link"), `${system.url}/api/sales?${query}`).href;
};

test("Link headers lead through all pages of JSON", async () => {
  const whole = await sales("by=store");
  const first = await get("by=store&limit=1");
  const rows = ((await first.clone().json()) as Sales).rows;
  for (let response = first; response.headers.has("link"); ) {
    response = await fetch(nextOf(response, ""));
    rows.push(...((await response.json()) as Sales).rows);
  }
  expect(rows).toEqual(whole.rows);
});

test("returns 304 for a known ETag until the sales change", async () => {
  const query = `bucket=day&mode=v1&to=${tomorrow()}T00:00:00Z`;
  const [json, csv] = [await get(query), await get(`${query}&format=csv`)];
  const tag = json.headers.get("etag") ?? expect.fail("a tag");
  expect(tag).not.toBe(csv.headers.get("etag"));
  for (const response of [json, csv]) {
    expect(response.headers.get("vary")).toBe("accept");
    expect(response.headers.get("cache-control")).toBe("no-cache");
  }
  for (const known of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
    const unchanged = await get(query, { "if-none-match": known });
    expect(unchanged.status).toBe(304);
    expect(await unchanged.text()).toBe("");
    expect(unchanged.headers.get("etag")).toBe(tag);
    expect(unchanged.headers.get("content-type")).toBeNull();
  }
  expect((await get(query, { "if-none-match": csv.headers.get("etag") ?? "" })).status).toBe(200);
  await postOrder(system.url, "v1", { store: "southend", drink: "mocha", price: "1.00" });
  await until("it is counted", async () => (await get(query, { "if-none-match": tag })).status === 200);
  expect((await get(query)).headers.get("etag")).not.toBe(tag);
  const refused = await get(`${query}&limit=0`, { "if-none-match": "*" });
  expect([refused.status, refused.headers.get("etag")]).toEqual([422, null]);
});

test("CSV begins with a byte order mark when it is requested, on each page", async () => {
  const csv = "format=csv&mode=v1&limit=2";
  const bytesOf = async (response: Response): Promise<Uint8Array> =>
    new Uint8Array(await response.arrayBuffer());
  const marked = await get(`${csv}&bom=true`);
  expect(marked.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
  const next = await fetch(nextOf(marked, csv));
  for (const response of [marked, next])
    expect([...(await bytesOf(response)).slice(0, 4)]).toEqual([0xef, 0xbb, 0xbf, 0x62]);
  for (const query of [csv, `${csv}&bom=false`])
    expect([...(await bytesOf(await get(query))).slice(0, 1)]).toEqual([0x62]);
  expect(
    JSON.parse(new TextDecoder("utf-8", { ignoreBOM: true }).decode(await bytesOf(await get("bom=true")))),
  ).toBeTruthy();
});

describe("days of a zone", () => {
  /** A day ahead of UTC by 13 or 14 hours, and one behind it: the sales from 9:10 to 10:30 UTC fall on two days there. */
  const split = async (zone: string): Promise<unknown[]> => {
    const range = `from=${day}T00:00:00&to=${dayAfter}T00:00:00`;
    const { rows, from, to } = await getJson<Sales & { from: string; to: string }>(
      `${system.url}/api/sales?bucket=day&by=none&mode=v1&tz=${zone}&${range}`,
    );
    return [from, to, ...rows.map(({ bucket, orders }) => [bucket, orders])];
  };
  const dayAfter = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);

  test("are those of its clock, and are shown in its time", async () => {
    const [noon, midnight] = [`${day}T00:00:00.000-10:00`, `${dayAfter}T00:00:00.000-10:00`];
    // 9:10 and 9:50 UTC are of the day before
    expect(await split("Pacific/Honolulu")).toEqual([noon, midnight, [noon, 2]]);
    const start = `${day}T00:00:00.000+00:00`;
    expect(await split("Africa/Abidjan")).toEqual([start, `${dayAfter}T00:00:00.000+00:00`, [start, 4]]);
  });

  test("are whole, whatever the time of from and to", async () => {
    const within = "bucket=day&by=none&mode=v1&tz=Pacific/Honolulu";
    const offset = await getJson<Sales & { from: string }>(
      `${system.url}/api/sales?${within}&from=${day}T11:00:00Z&to=${day}T12:00:00Z`,
    );
    expect([offset.from, offset.rows.map(({ orders }) => orders)]).toEqual([
      `${day}T00:00:00.000-10:00`,
      [2],
    ]);
  });

  test("are in CSV, and in all pages of both", async () => {
    const query = `bucket=day&tz=Pacific/Honolulu&from=${day}T00:00:00Z&to=${dayAfter}T00:00:00Z`;
    const whole = await getJson<Sales>(`${system.url}/api/sales?${query}`);
    expect(whole.rows.map(({ orders }) => orders)).toEqual([2, 2, 1, 1, 1, 1]);
    const rows: Sales["rows"] = [];
    for (let url = `${system.url}/api/sales?${query}&limit=1`; url !== ""; ) {
      const response = await fetch(url);
      rows.push(...((await response.clone().json()) as Sales).rows);
      url = response.headers.has("link") ? nextOf(response, "") : "";
    }
    expect(rows).toEqual(whole.rows);
    const csv = await (await fetch(`${system.url}/api/sales?${query}&format=csv`)).text();
    expect(csv.split("\r\n")[1]).toMatch(/^[\d-]{10}T00:00:00\.000-10:00,v1,uptown,latte,2,8\.20$/);
  });
});

test("a 422 says what from must be, not what it is for", async () => {
  const { errors } = (await (await get("from=2026-02-30")).json()) as { errors: object[] };
  const message = expect.stringMatching(
    /^must be a date or a time that exists, .* \(a URL has %2B for the \+\)$/,
  );
  expect(errors).toEqual([{ field: "from", message }]);
});

const tomorrow = (): string => new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);

test.each([
  ["bucket=week", "bucket"],
  ["limit=0", "limit"],
  ["limit=99999", "limit"],
  ["cursor=%7B", "cursor"],
  ["mode=v9", "mode"],
  ["bucket=minute&store=uptown", "bucket"],
  ["to=2001-01-01T00:00:00Z", "to"],
  ["to=2026-02-30T00:00:00Z", "to"],
  ["bukcet=day", "bukcet"],
  ["by=mode", "by"],
  ["bucket=minute&by=store", "by"],
  ["bucket=day&limit=2001", "limit"],
  ["format=xml", "format"],
  ["store=a%00", "store"],
  ["from=1999-01-01T00:00:00Z", "from"],
  ["mode=v1&mode=v2", "mode"],
  ["bucket=day&tz=Europe/Atlantis", "tz"],
  ["bucket=day&tz=", "tz"],
  ["bucket=day&tz=..%2Fetc%2Fpasswd", "tz"],
  // its days begin at half past an hour of UTC
  ["bucket=day&tz=Asia/Kolkata", "tz"],
  ["bucket=hour&tz=Europe/Zurich", "tz"],
  ["bucket=day&tz=Europe/Zurich&by=none&limit=2001", "limit"],
  ["bucket=day&tz=Europe/Zurich&to=2035-12-31T00:00:00", "from"],
  ["bucket=day&tz=Europe/Zurich&to=9999-12-31T00:00:00", "to"],
  [`bucket=day&tz=Pacific/Honolulu&cursor=${cursor([0, "v1", "a", "b"])}`, "cursor"],
  ["bom=yes", "bom"],
  [`cursor=${cursor([1, "v1", "a", "b"])}`, "cursor"],
  [`cursor=${cursor([3_600_000, "v1", "a\0", "b"])}`, "cursor"],
])("returns 422 and names the field for %s", async (query, field) => {
  const response = await get(query);
  expect(response.status).toBe(422);
  const { errors } = (await response.json()) as { errors: { field: string }[] };
  expect(errors.map((error) => error.field)).toEqual([field]);
});
