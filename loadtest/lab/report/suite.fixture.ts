/** A synthetic suite with what real ones have: searches, noise, a void run and refuted hypotheses. */
import { randomFrom, seedOf } from "../../../shared/domain/random.ts";
import { settingsFor } from "../experiments/layout.ts";
import { byExperimentAndTime } from "../run/result-files.ts";
import type { Environment, KeptRun, Run, Second, Suite } from "../run/results.ts";
import { nextStep, pointOf } from "../search/capacity.ts";
import { kept, MODELS, type Synthetic, syntheticRun } from "./runs.fixture.ts";

/** The real search over the synthetic system. */
const searched = (mode: string, ordersPerRequest: number): Run[] => {
  const runs: Run[] = [];
  for (let index = 0; index < 60; index++) {
    const step = nextStep(runs.map(pointOf), settingsFor("standard", 100, 12_000, mode === "null"));
    if ("found" in step) break;
    const startedAt = new Date(Date.UTC(2026, 0, 5, 2) + index * 60_000).toISOString();
    const repetition = runs.filter(({ load }) => load.requestsPerSecond === step.rate).length + 1;
    const varied = { purpose: step.purpose };
    runs.push(syntheticRun({ mode, ordersPerRequest, repetition, varied, startedAt, rate: step.rate }));
  }
  return runs;
};

/** `length` seconds at 300 orders/s, with noise and what `more` changes in each. */
const secondsOf = (
  name: string,
  length: number,
  more: (t: number, about: (value: number) => number) => Partial<Second>,
): Second[] =>
  Array.from({ length }, (_, t) => {
    const random = randomFrom(seedOf(`${name}${t}`));
    const about = (value: number): number => Math.round(value * (0.85 + 0.3 * random.next()));
    return {
      ...{ t, sent: 300, acknowledged: 300, refused: 0, lagOrders: about(50) },
      ...{ ackP50: about(4), ackP99: about(14), freshP50: about(150), freshP99: about(240) },
      ...{ cpu: { "order-api": 0.4 }, rss: { "order-api": 110 * 2 ** 20, postgres: 240 * 2 ** 20 } },
      ...more(t, about),
    };
  });

const spikeSeconds = (mode: string, peak: number): Second[] =>
  secondsOf(`${mode}${peak}`, 120, (t, about) => {
    const sent = t >= 30 && t < 60 ? 300 * peak : 300;
    const carried = (MODELS[mode]?.knee[1] ?? 1) * 0.9;
    const [rising, falling] = [Math.min(Math.max(0, t - 29), 30), Math.max(0, t - 59)];
    const backlog = Math.max(0, rising * (300 * peak - carried) - falling * carried);
    return {
      ...{ sent, acknowledged: Math.min(sent, about(carried)), lagOrders: about(40 + backlog) },
      freshP99: t % 7 === 3 ? null : about(240 + backlog / 4),
    };
  });

/** The memory of v3 grows. */
const soakSeconds = (mode: string): Second[] =>
  secondsOf(`${mode}soak`, 1_200, (t, about) => ({
    ackP99: about((MODELS[mode]?.ackMs ?? 1) * 2.4 + (t % 300 < 12 ? 12 : 0)),
    rss: { "order-api": 110 * 2 ** 20 * (mode === "v3" ? 1 + t / 500 : 1), postgres: 240 * 2 ** 20 },
  }));

const environment: Environment = {
  ...{ format: 2, startedAt: "2026-01-05T00:00:00.000Z", scale: "standard", seed: 1 },
  commit: "0123456789abcdef0123456789abcdef01234567",
  ...{ cpuModel: "Example CPU @ 2.5 GHz", cores: 2, memoryBytes: 8 * 2 ** 30, kernel: "6.1.0" },
  versions: { node: "24.21.0", postgres: "18.4", redis: "7.0.15", kafka: "4.1.0", k6: "2.0.0" },
  pinning: "none; generator and system share both cores",
  isShared: true,
  turnedDown: ["E4: 20 minutes instead of 2 hours", "E7: 2 000 clients instead of 10 000"],
};

const MODES = ["v1", "v2", "v3"] as const;

const run = (experiment: string, mode: string, rate: number, more: Partial<Synthetic> = {}): Run =>
  syntheticRun({ experiment, mode, rate, ...more });

const ofMode = (mode: string): KeptRun[] => [
  kept(run("E1", mode, 50)),
  ...[2, 5, 10].map((peak) =>
    kept(run("E3", mode, 300, { varied: { peak }, drainedSeconds: peak * 2.5 }), spikeSeconds(mode, peak)),
  ),
  kept(run("E4", mode, 300, { seconds: 1_200 }), soakSeconds(mode)),
  ...["kill-worker", "kill-postgres"].map((what) => {
    const fault = { what, downtimeSeconds: 1.2, recoverySeconds: 4.5 };
    return kept(run("E8", mode, 100, { point: `${mode} ${what}`, varied: { fault: what }, fault }));
  }),
  ...[0, 20, 100].map((waitMs) =>
    kept(run("E10", mode, 400 - waitMs, { point: `${mode} wait ${waitMs}`, varied: { waitMs } })),
  ),
  ...[1, 10].flatMap((ordersPerRequest) =>
    [0.1, 0.25, 0.5, 0.75, 0.9].map((share) => {
      const rate = Math.round((MODELS[mode]?.knee[ordersPerRequest] ?? 1) * share);
      return kept(run("E12", mode, rate, { ordersPerRequest, repetition: 3, varied: { share } }));
    }),
  ),
];

const withClients = (clients: number, slowShare: number): KeptRun => {
  const websocket = {
    ...{ clients, slowShare, framesPerSecond: Math.min(clients * 10, 41_000) },
    delayP99: 30 + (clients ** 1.6 / 900) * (1 + slowShare),
    bytesPerClient: 9_000 + 2e6 / clients,
  };
  const point = `v2 ${clients} clients ${slowShare}`;
  return kept(run("E7", "v2", 50, { point, varied: { clients, slowShare }, websocket }));
};

const ledger = { iterations: 9, acknowledged: 9_000, refused: 812, unknown: 0 };

export const syntheticSuite = (): Suite => {
  const searches = [...MODES, "v1-each", "null"].flatMap((mode) =>
    [1, 10].flatMap((size) => searched(mode, size)),
  );
  const voids = ["the generator took 83 % of its cores > 80 %"];
  const runs = [
    ...[...searches, run("E2", "v2", 1_139, { attempt: 2, voids })].map((each) => kept(each)),
    ...MODES.flatMap(ofMode),
    kept(run("E6", "v2", 400, { varied: { maxmemory: "4mb" }, ledger })),
    ...[100, 300, 1_000, 2_000].flatMap((clients) => [0, 0.05].map((share) => withClients(clients, share))),
  ];
  return { env: environment, runs: runs.sort(byExperimentAndTime) };
};
