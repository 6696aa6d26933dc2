/** Stacked panels: figures of a peak and of a soak over time, and of WebSockets over the number of clients. */
import { medianOf } from "../../judge/statistics.ts";
import type { KeptRun, Run, Second, Suite } from "../../run/results.ts";
import { systemSum } from "../costs.ts";
import { atTenHertz, isValid, keptOf, runsOf } from "../figures.ts";
import { msText, numberText, secondsText, withUnit } from "../numbers.ts";
import type { Picture } from "../picture.ts";
import {
  ALL_READ,
  inOrder,
  linearAxis,
  lineLayer,
  logAxis,
  markerLayer,
  modeChannels,
  modeName,
  SOME_SLOW,
  stacked,
  WIDTH_PIXELS,
} from "./marks.ts";

/** The highest peak that the modes were given. */
export const spikes = (suite: Suite): Picture[] => {
  const valid = keptOf(suite, "E3").filter(({ run }) => isValid(run));
  const peakOf = ({ run }: KeptRun): number => Number(run.varied["peak"]);
  const peak = Math.max(...valid.map(peakOf).filter(Number.isFinite));
  const runs = onePerMode(valid.filter((kept) => peakOf(kept) === peak));
  const rows = runs.flatMap(({ run, seconds }) =>
    seconds().map(({ t, acknowledged, lagOrders, freshP99 }) => ({
      ...{ mode: run.mode, t, acknowledged, lag: lagOrders },
      fresh: freshP99 === null ? null : freshP99 / 1_000,
    })),
  );
  const worst = runs.map(({ run, seconds }) => {
    const most = numberText(Math.max(...seconds().map(({ lagOrders }) => lagOrders)));
    return `${modeName(run.mode)}: at most ${most} orders pending, ${numberText(run.ledger.refused)} refused, drained ${secondsText(run.drainedSeconds)} after the load`;
  });
  return overTime(rows, "seconds", {
    id: "spike",
    title: `A peak of ${numberText(peak)} times the load, and its backlog`,
    reading: "Backlog: orders accepted and not yet counted. Freshness: age of an order when it is shown.",
    description: `Per second: acknowledged requests, backlog and freshness. ${worst.join("; ")}.`,
    panels: [
      ["acknowledged", "requests acknowledged per second"],
      ["lag", "backlog, orders"],
      ["fresh", "freshness p99, s"],
    ],
  });
};

export const soaks = (suite: Suite): Picture[] => {
  const runs = onePerMode(keptOf(suite, "E4").filter(({ run }) => isValid(run)));
  const soaked = runs.map(({ run, seconds }) => ({ mode: run.mode, minutes: minutesOf(seconds()) }));
  const ends = soaked.map(({ mode, minutes }) => {
    const [first, last] = [minutes[0]?.memory ?? 0, minutes.at(-1)?.memory ?? 0];
    return `${modeName(mode)}: memory from ${withUnit(first, "MiB")} to ${withUnit(last, "MiB")}`;
  });
  const rows = soaked.flatMap(({ mode, minutes }) => minutes.map((minute) => ({ mode, ...minute })));
  return overTime(rows, "minutes", {
    id: "soak",
    title: "A steady load: does anything drift?",
    reading: "Medians of each minute. Memory: all processes except the generator.",
    description: `Per minute: reply time, freshness and memory. ${ends.join("; ")}.`,
    panels: [
      ["ack", "reply time p99, ms"],
      ["fresh", "freshness p99, ms"],
      ["memory", "memory, MiB"],
    ],
  });
};

const onePerMode = (runs: readonly KeptRun[]): KeptRun[] => {
  const last = new Map(runs.map((kept) => [kept.run.mode, kept]));
  return inOrder(last.keys()).flatMap((mode) => last.get(mode) ?? []);
};

/** A drift is not visible in single seconds: they are too noisy. */
const SOAK_POINT_SECONDS = 60;

export const minutesOf = (seconds: readonly Second[]) =>
  [...Map.groupBy(seconds, ({ t }) => Math.floor(t / SOAK_POINT_SECONDS))]
    // the last minute may have few seconds
    .filter(([, group]) => group.length >= SOAK_POINT_SECONDS / 2)
    .map(([minute, group]) => ({
      t: minute,
      ack: middle(group.map(({ ackP99 }) => ackP99)),
      fresh: middle(group.map(({ freshP99 }) => freshP99)),
      memory: medianOf(group.map(({ rss }) => systemSum(rss, (bytes) => bytes))) / 2 ** 20,
    }));

const middle = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : medianOf(known);
};

const TIME_PANEL_PIXELS = 118;
/** Markers on a line over time: one on every point would hide it. */
const MARKERS = 10;

type TimePicture = Omit<Picture, "chart"> & {
  readonly panels: readonly (readonly [field: string, title: string])[];
};

const overTime = (
  rows: readonly { readonly mode: string; readonly t: number }[],
  unit: string,
  { panels, ...picture }: TimePicture,
): Picture[] => {
  if (rows.length === 0) return [];
  const modes = inOrder(rows.map(({ mode }) => mode));
  const every = Math.max(1, Math.round(new Set(rows.map(({ t }) => t)).size / MARKERS));
  // lines may coincide, so the markers of each mode are a little after those of the previous one
  const apart = Math.max(1, Math.floor(every / modes.length));
  const filter = `(datum.t + indexof(${JSON.stringify(modes)}, datum.mode) * ${apart}) % ${every} == 0`;
  const views = panels.map(([field, title], index) => {
    const isLast = index === panels.length - 1;
    const axis = linearAxis("t", isLast ? unit : "");
    const x = {
      ...axis,
      scale: { nice: false, zero: true },
      axis: { ...axis.axis, labels: isLast, tickCount: 10 },
    };
    const y = linearAxis(field, title);
    return {
      width: WIDTH_PIXELS,
      height: TIME_PANEL_PIXELS,
      transform: [{ filter: `isValid(datum.${field})` }],
      layer: [
        lineLayer(x, y, modeChannels(modes), 1.75),
        markerLayer(x, y, modeChannels(modes), { size: 46, filter }),
      ],
    };
  });
  return [{ ...picture, chart: stacked(rows, views) }];
};

type Socket = NonNullable<Run["websocket"]>;

export const fanOut = (suite: Suite): Picture[] => {
  const sockets = atTenHertz(runsOf(suite, "E7").filter(isValid)).flatMap(({ websocket }) => websocket ?? []);
  const kindOf = ({ slowShare }: Socket): string => (slowShare > 0 ? SOME_SLOW : ALL_READ);
  const rows = [...Map.groupBy(sockets, (socket) => `${socket.clients} ${kindOf(socket)}`).values()]
    .flatMap((group) => {
      const of = (pick: (socket: Socket) => number): number => medianOf(group.map(pick));
      return group.slice(0, 1).map((first) => ({
        mode: kindOf(first),
        clients: first.clients,
        framesPerSecond: of(({ framesPerSecond }) => framesPerSecond),
        delayP99: of(({ delayP99 }) => delayP99),
        kibibytesPerClient: of(({ bytesPerClient }) => bytesPerClient / 1_024),
      }));
    })
    .sort((a, b) => a.clients - b.clients || (a.mode < b.mode ? -1 : 1));
  const most = rows.at(-1);
  if (!most) return [];
  return [
    {
      id: "fan-out",
      title: "WebSocket clients that one process serves",
      reading:
        "Delay: from PostgreSQL's clock in a frame to its arrival. Memory: of the order API, per client.",
      description: `Against the number of clients: frames per second, delay and memory. At ${numberText(most.clients)} clients ${numberText(most.framesPerSecond)} frames/s and a delay p99 of ${msText(most.delayP99)}.`,
      chart: socketPanels(rows),
    },
  ];
};

const SOCKET_PANEL_PIXELS = 130;
const SOCKET_PANELS = [
  ["framesPerSecond", "frames per second, all clients"],
  ["delayP99", "delay p99, ms"],
  ["kibibytesPerClient", "memory per client, KiB"],
] as const;

type SocketRow = Readonly<Record<"clients" | (typeof SOCKET_PANELS)[number][0], number>> & {
  readonly mode: string;
};

const socketPanels = (rows: readonly SocketRow[]) => {
  const channels = modeChannels(inOrder(rows.map(({ mode }) => mode)));
  const clients = rows.map((row) => row.clients);
  const views = SOCKET_PANELS.map(([field, title], index) => {
    const isLast = index === SOCKET_PANELS.length - 1;
    const axis = logAxis("clients", isLast ? "WebSocket clients" : "", clients);
    const x = { ...axis, axis: { ...axis.axis, labels: isLast } };
    const values = rows.map((row) => row[field]);
    const y = logAxis(field, title, values, SOCKET_PANEL_PIXELS);
    return {
      width: WIDTH_PIXELS,
      height: SOCKET_PANEL_PIXELS,
      layer: [lineLayer(x, y, channels), markerLayer(x, y, channels)],
    };
  });
  return stacked(rows, views);
};
