/** A suite made up, with what real ones have: searches, noise, a void run and refuted hypotheses. */
import { randomFrom, seedOf } from "../../../shared/domain/random.ts";
import { settingsFor } from "../experiments/layout.ts";
import { byExperimentAndTime } from "../run/result-files.ts";
import type { Environment, KeptRun, Run, Second, Suite } from "../run/results.ts";
import { nextStep, pointOf } from "../search/capacity.ts";
import { kept, MODELS, madeUpRun } from "./runs.fixture.ts";

/** The search itself, over the made-up system. */
const searched = (
  mode: string,
  ordersPerRequest: number,
  varied: Run["varied"] = {},
  experiment = "E2",
): Run[] => {
  const runs: Run[] = [];
  for (let index = 0; index < 60; index++) {
    const step = nextStep(runs.map(pointOf), settingsFor("standard", 100, 12_000, mode === "null"));
    if ("found" in step) break;
    const startedAt = new Date(Date.UTC(2026, 0, 5, 2) + index * 60_000).toISOString();
    const repetition = runs.filter(({ load }) => load.requestsPerSecond === step.rate).length + 1;
    const purposed = { ...varied, purpose: step.purpose };
    const at = { mode, ordersPerRequest, repetition, varied: purposed, experiment, startedAt };
    runs.push(madeUpRun({ ...at, rate: step.rate }));
  }
  return runs;
};

const spikeSeconds = (mode: string, peak: number): Second[] =>
  Array.from({ length: 120 }, (_, t) => {
    const sent = t >= 30 && t < 60 ? 300 * peak : 300;
    const carried = (MODELS[mode]?.knee[1] ?? 1) * 0.9;
    const backlog = Math.max(
      0,
      t < 30 ? 0 : Math.min(t - 29, 30) * (300 * peak - carried) - Math.max(0, t - 59) * carried,
    );
    const waits = 1 + backlog / 900;
    const random = randomFrom(seedOf(`${mode}${peak}${t}`));
    const about = (value: number): number => Math.round(value * (0.9 + 0.2 * random.next()));
    return {
      t,
      sent,
      acknowledged: mode === "v1" ? Math.min(sent, about(carried)) : sent,
      refused: mode === "v1" && sent > carried ? Math.round(sent - carried) : 0,
      ackP50: about(5),
      ackP99: about(14 * (mode === "v1" ? waits : 1)),
      freshP50: about(180),
      freshP99: t % 7 === 3 ? null : about(240 * waits),
      lagOrders: about(40 + (mode === "v1" ? backlog / 6 : backlog)),
      cpu: { "order-api": 0.4 },
      rss: { "order-api": 110 * 2 ** 20, postgres: 240 * 2 ** 20 },
    };
  });

const soakSeconds = (mode: string): Second[] =>
  Array.from({ length: 1_200 }, (_, t) => {
    const random = randomFrom(seedOf(`${mode}soak${t}`));
    const about = (value: number): number => Math.round(value * (0.85 + 0.3 * random.next()));
    const grows = mode === "v3" ? 1 + t / 500 : 1;
    return {
      t,
      sent: 300,
      acknowledged: 300,
      refused: 0,
      ackP50: about(4),
      ackP99: about((MODELS[mode]?.ackMs ?? 1) * 2.4 + (t % 300 < 12 ? 12 : 0)),
      freshP50: about(150),
      freshP99: about(MODELS[mode]?.freshMs ?? 1),
      lagOrders: about(50),
      cpu: { "order-api": 0.3 },
      rss: { "order-api": (104 + about(6)) * 2 ** 20 * grows, postgres: (230 + t / 60) * 2 ** 20 },
    };
  });

const environment: Environment = {
  format: 2,
  startedAt: "2026-01-05T00:00:00.000Z",
  commit: "0123456789abcdef0123456789abcdef01234567",
  scale: "standard",
  seed: 1,
  cpuModel: "Made-up CPU @ 2.5 GHz",
  cores: 2,
  memoryBytes: 8 * 2 ** 30,
  kernel: "6.1.0",
  versions: { node: "24.21.0", postgres: "18.4", redis: "7.0.15", kafka: "4.1.0", k6: "2.0.0" },
  pinning: "none; generator and system share both cores",
  isShared: true,
  turnedDown: ["E4: 20 minutes instead of 2 hours", "E7: 2 000 clients instead of 10 000"],
};

const REAL = ["v1", "v2", "v3"] as const;

const atGivenLoads = (): KeptRun[] => {
  return [
    ...REAL.map((mode) => kept(madeUpRun({ experiment: "E1", mode, rate: 50 }))),
    ...REAL.flatMap((mode) =>
      [2, 5, 10].map((peak) =>
        kept(
          madeUpRun({
            experiment: "E3",
            mode,
            rate: 300,
            varied: { peak },
            drainedSeconds: peak * (mode === "v1" ? 0.6 : 2.5),
          }),
          spikeSeconds(mode, peak),
        ),
      ),
    ),
    ...REAL.map((mode) =>
      kept(madeUpRun({ experiment: "E4", mode, rate: 300, seconds: 1_200 }), soakSeconds(mode)),
    ),
    kept(
      madeUpRun({
        experiment: "E6",
        mode: "v2",
        rate: 400,
        varied: { maxmemory: "4mb" },
        ledger: { iterations: 9, acknowledged: 9_000, refused: 812, unknown: 0 },
      }),
    ),
  ];
};

const variedOtherwise = (): KeptRun[] => {
  const socket = (clients: number, slowShare: number): Run["websocket"] => ({
    clients,
    framesPerSecond: Math.min(clients * 10, 41_000),
    delayP99: 30 + (clients ** 1.6 / 900) * (1 + slowShare),
    bytesPerClient: 9_000 + 2e6 / clients,
    slowShare,
  });
  return [
    ...[100, 300, 1_000, 2_000].flatMap((clients) =>
      [0, 0.05].map((slowShare) =>
        kept({
          ...madeUpRun({
            experiment: "E7",
            mode: "v2",
            rate: 50,
            varied: { clients, slowShare },
            point: `v2 ${clients} clients ${slowShare}`,
          }),
          websocket: socket(clients, slowShare),
        } as Run),
      ),
    ),
    ...REAL.flatMap((mode) =>
      ["kill-worker", "kill-postgres"].map((what) =>
        kept(
          madeUpRun({
            experiment: "E8",
            mode,
            rate: 100,
            point: `${mode} ${what}`,
            varied: { fault: what },
            fault: { what, downtimeSeconds: 1.2, recoverySeconds: 4.5 },
          }),
        ),
      ),
    ),
    ...["v2", "v3"].flatMap((mode) =>
      [0, 20, 100].map((waitMs) =>
        kept(
          madeUpRun({
            experiment: "E10",
            mode,
            rate: 400 - waitMs,
            point: `${mode} wait ${waitMs}`,
            varied: { waitMs },
          }),
        ),
      ),
    ),
  ];
};

const atShares = (): KeptRun[] => {
  return [
    ...REAL.flatMap((mode) =>
      [1, 10].flatMap((ordersPerRequest) =>
        [0.1, 0.25, 0.5, 0.75, 0.9].map((share) =>
          kept(
            madeUpRun({
              experiment: "E12",
              mode,
              ordersPerRequest,
              repetition: 3,
              rate: Math.round((MODELS[mode]?.knee[ordersPerRequest] ?? 1) * share),
              varied: { share },
            }),
          ),
        ),
      ),
    ),
  ];
};

export const madeUpSuite = (): Suite => {
  const searches = [...REAL, "v1-each", "null"].flatMap((mode) =>
    [1, 10].flatMap((orders) => searched(mode, orders)),
  );
  const void_ = madeUpRun({
    mode: "v2",
    rate: 1_139,
    attempt: 2,
    voids: ["the generator took 83 % of its cores > 80 %"],
  });
  return {
    env: environment,
    runs: [...searches, void_]
      .map((run) => kept(run))
      .concat(atGivenLoads(), variedOtherwise(), atShares())
      .sort(byExperimentAndTime),
  };
};
