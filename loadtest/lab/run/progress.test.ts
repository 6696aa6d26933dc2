import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Work } from "../experiments/plan.ts";
import { syntheticRun } from "../report/runs.fixture.ts";
import { grafanaIn, LAB_TAG, marking, marksOf, openProgress, resultText } from "./progress.ts";
import type { Measures } from "./suite.ts";

const work = (name: string): Work => ({
  kind: "point",
  experiment: "E1",
  point: { arrangement: "v1", name, varied: {}, load: { rate: 50 } },
  repetition: 1,
});

test("the time left falls with what is done, and follows what runs really took", () => {
  const works = [work("a"), work("b"), work("c")];
  let nowMs = 0;
  const lines: string[] = [];
  const progress = openProgress(
    works,
    "smoke",
    (line) => lines.push(line),
    () => nowMs,
  );
  expect(progress.leftSeconds()).toBe(60);
  const ended = syntheticRun({ mode: "v1", rate: 50 });
  progress.begin("E1 v1 a")({ ...ended, load: { ...ended.load, generator: "node" } });
  nowMs = 50_000;
  expect(progress.leftSeconds()).toBe(10);
  for (const one of works.slice(0, 1)) progress.done(one);
  expect(progress.leftSeconds()).toBeCloseTo(100);
  nowMs = 60_000;
  expect(progress.leftSeconds()).toBeCloseTo(90);
  expect(lines[0]).toBe("[1/3, 60 s left] E1 v1 a …");
  expect(lines[1]).toMatch(/reply p99 .+, freshness p99 .+, generator .+\(0\.0 s\)/);
});

test("a void run says why", () => {
  const run = syntheticRun({ mode: "v1", rate: 50, voids: ["schedule lag p99 14 ms > 10 ms"] });
  expect(resultText(run)).toBe("void: schedule lag p99 14 ms > 10 ms");
});

const startedAt = "2026-01-15T10:00:00.000Z";
const run = syntheticRun({
  experiment: "E2",
  point: "4000/s",
  mode: "v2",
  rate: 4_000,
  ordersPerRequest: 1,
  startedAt,
});
const found = { run, seconds: [], output: null, logs: "", took: { data: 1.5, load: 30 } };
const measures: Measures = {
  signal: new AbortController().signal,
  run: async () => found,
  rate: async () => found,
};
const startMs = Date.parse(startedAt);
const marks = [
  { text: "E2 v2 4000/s: data", tags: [LAB_TAG], time: startMs, timeEnd: startMs + 1_500 },
  { text: "E2 v2 4000/s: load", tags: [LAB_TAG], time: startMs + 1_500, timeEnd: startMs + 31_500 },
];

type ListenerFigures = { readonly url: string; readonly authorization: string; readonly body: unknown };
let listening: ListenerFigures[];
let status: number;
let server: Server;
beforeEach(async () => {
  listening = [];
  status = 200;
  server = createServer(async (request, response) => {
    const { authorization = "" } = request.headers;
    listening.push({ url: request.url ?? "", authorization, body: JSON.parse(await text(request)) });
    response.writeHead(status).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => server.close());
const address = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;

/** The log lines of a run whose marks go to the Grafana of this environment. */
const toldOf = async (environment: Record<string, string>): Promise<string[]> => {
  const output: string[] = [];
  const grafana = grafanaIn(environment);
  if (grafana === null) throw new Error("no Grafana is named");
  const marked = marking(measures, grafana, (line) => output.push(line));
  const [order, place] = [{}, {}] as unknown as Parameters<Measures["run"]>;
  expect(await marked.run(order, place)).toBe(found);
  return output;
};

test("each phase is marked from where the one before ended", () => {
  expect(marksOf(found)).toEqual(marks);
});

test("marks go to the Grafana that is named, by a token or by a name and a password", async () => {
  expect(grafanaIn({})).toBeNull();
  expect(await toldOf({ GRAFANA_URL: `http://${address()}/grafana/`, GRAFANA_TOKEN: "t0ken" })).toEqual([]);
  expect(await toldOf({ GRAFANA_URL: `http://admin:c%40ffee@${address()}` })).toEqual([]);
  const basic = `Basic ${Buffer.from("admin:c@ffee").toString("base64")}`;
  expect(listening).toEqual([
    ...marks.map((body) => ({ url: "/grafana/api/annotations", authorization: "Bearer t0ken", body })),
    ...marks.map((body) => ({ url: "/api/annotations", authorization: basic, body })),
  ]);
});

test("a Grafana that refuses costs the run nothing", async () => {
  status = 401;
  expect(await toldOf({ GRAFANA_URL: `http://${address()}` })).toEqual([
    "this run is not marked in Grafana: it answers 401",
  ]);
  expect(listening).toHaveLength(1);
});
