/** What happens second by second: peaks with what waits behind them, and hours without. */
import { medianOf } from "../../judge/statistics.ts";
import { GENERATORS, type KeptRun, type Run, type Second, type Suite } from "../../run/results.ts";
import { atTenHertz, isValid, keptOf, runsOf } from "../figures.ts";
import { msText, numberText, withUnit } from "../numbers.ts";
import type { Picture } from "../picture.ts";
import { inOrder, linearAxis, logAcross, logUp, modeChannels, modeName, WIDTH_PIXELS } from "./marks.ts";

type Row = Readonly<Record<string, number | string | null>> & { readonly mode: string };
type Panel = { readonly field: string; readonly title: string };

const PANEL_PIXELS = 118;
/** Markers on every second would hide the line. */
const MARKERS = 10;

/** The highest peak that every mode was given. */
export const spikes = (suite: Suite): Picture[] => {
  const valid = keptOf(suite, "E3").filter(({ run }) => isValid(run));
  const peaks = [...new Set(valid.map(({ run }) => Number(run.varied["peak"])))].filter(Number.isFinite);
  if (peaks.length === 0) return [];
  const peak = Math.max(...peaks);
  const runs = onePerMode(valid.filter(({ run }) => run.varied["peak"] === peak));
  const rows = runs.flatMap(({ run, seconds }) =>
    seconds().map((second) => ({ mode: run.mode, ...fieldsOf(second) })),
  );
  if (rows.length === 0) return [];
  const worst = runs.map(({ run, seconds }) => {
    const most = Math.max(...seconds().map(({ lagOrders }) => lagOrders));
    return `${modeName(run.mode)}: at most ${numberText(most)} orders waiting, ${numberText(run.ledger.refused)} refused, drained ${withUnit(run.drainedSeconds, "s")} after the load`;
  });
  return [
    {
      id: "spike",
      title: `A peak of ${numberText(peak)} times the load, and what waits behind it`,
      reading:
        "Orders accepted and not yet counted are the backlog; freshness is how old an order is when it is seen.",
      description: `Per second: acknowledged orders, backlog and freshness. ${worst.join("; ")}.`,
      chart: panelsOf(rows, "seconds", [
        { field: "acknowledged", title: "requests acknowledged per second" },
        { field: "lag", title: "backlog, orders" },
        { field: "fresh", title: "freshness p99, s" },
      ]),
    },
  ];
};

/** Minutes of a soak: a second is too noisy for a drift to be seen. */
const SOAK_POINT_SECONDS = 60;

export const soaks = (suite: Suite): Picture[] => {
  const runs = onePerMode(keptOf(suite, "E4").filter(({ run }) => isValid(run)));
  const rows = runs.flatMap(({ run, seconds }) =>
    minutesOf(seconds()).map((minute) => ({ mode: run.mode, ...minute })),
  );
  if (rows.length === 0) return [];
  const ends = runs.map(({ run, seconds }) => {
    const minutes = minutesOf(seconds());
    const [first, last] = [minutes[0]?.memory ?? 0, minutes.at(-1)?.memory ?? 0];
    return `${modeName(run.mode)}: memory from ${withUnit(first, "MiB")} to ${withUnit(last, "MiB")}`;
  });
  return [
    {
      id: "soak",
      title: "A steady load: does anything drift?",
      reading: "Medians over each minute; memory is that of all processes but the generator's.",
      description: `Per minute: reply time, freshness and memory. ${ends.join("; ")}.`,
      chart: panelsOf(rows, "minutes", [
        { field: "ack", title: "reply time p99, ms" },
        { field: "fresh", title: "freshness p99, ms" },
        { field: "memory", title: "memory, MiB" },
      ]),
    },
  ];
};

const onePerMode = (runs: readonly KeptRun[]): KeptRun[] => {
  const last = new Map(runs.map((kept) => [kept.run.mode, kept]));
  return inOrder(last.keys()).flatMap((mode) => last.get(mode) ?? []);
};

const fieldsOf = ({ t, acknowledged, lagOrders, freshP99 }: Second) => ({
  t,
  acknowledged,
  lag: lagOrders,
  fresh: freshP99 === null ? null : freshP99 / 1_000,
});

export const minutesOf = (seconds: readonly Second[]) =>
  [...Map.groupBy(seconds, ({ t }) => Math.floor(t / SOAK_POINT_SECONDS))]
    // the last one may be a few seconds
    .filter(([, group]) => group.length >= SOAK_POINT_SECONDS / 2)
    .map(([minute, group]) => ({
      t: minute,
      ack: middle(group.map(({ ackP99 }) => ackP99)),
      fresh: middle(group.map(({ freshP99 }) => freshP99)),
      memory: middle(group.map(({ rss }) => memoryOf(rss) / 2 ** 20)) ?? 0,
    }));

const memoryOf = (rss: Second["rss"]): number =>
  Object.entries(rss).reduce((sum, [name, bytes]) => sum + (GENERATORS.has(name) ? 0 : bytes), 0);

const middle = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : medianOf(known);
};

/** One below the other, over the same time. */
const panelsOf = (rows: readonly Row[], unit: string, panels: readonly Panel[]) => {
  const modes = inOrder(rows.map(({ mode }) => mode));
  const { shape, ...lines } = modeChannels(modes);
  const times = [...new Set(rows.map(({ t }) => Number(t)))];
  const every = Math.max(1, Math.round(times.length / MARKERS));
  return {
    spacing: 34,
    resolve: { scale: { color: "shared", strokeDash: "shared", shape: "shared" } },
    data: { values: rows },
    vconcat: panels.map(({ field, title }, index) => {
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
        height: PANEL_PIXELS,
        transform: [{ filter: `isValid(datum.${field})` }],
        layer: [
          { mark: { type: "line", strokeWidth: 1.75 }, encoding: { x, y, ...lines } },
          {
            // each mode's a little after the other's, where they lie upon each other
            transform: [
              {
                filter: `(datum.t + indexof(${JSON.stringify(modes)}, datum.mode) * ${Math.max(1, Math.floor(every / modes.length))}) % ${every} == 0`,
              },
            ],
            mark: { type: "point", filled: true, size: 46, opacity: 1 },
            encoding: { x, y, color: lines.color, shape },
          },
        ],
      };
    }),
  };
};

/** How many watchers one process serves, and when they begin to wait. */

type Socket = NonNullable<Run["websocket"]>;
type SocketRow = Omit<Socket, "slowShare"> & { readonly kind: string };

const SOCKET_PANEL_PIXELS = 130;
const [ALL_READ, SOME_SLOW] = ["all clients read", "some clients are slow"];

export const fanOut = (suite: Suite): Picture[] => {
  const rows = socketRows(atTenHertz(runsOf(suite, "E7").filter(isValid)));
  const most = rows.at(-1);
  if (!most) return [];
  return [
    {
      id: "fan-out",
      title: "How many watchers one process serves",
      reading:
        "Delay is from the board's time to the frame's arrival; memory is the order API's, for each client.",
      description: `Against the number of clients: frames per second, delay and memory. At ${numberText(most.clients)} clients ${numberText(most.framesPerSecond)} frames/s and a delay p99 of ${msText(most.delayP99)}.`,
      chart: socketChart(rows),
    },
  ];
};

const socketRows = (runs: readonly Run[]): SocketRow[] => {
  const sockets = runs.flatMap(({ websocket }) => (websocket ? [websocket] : []));
  const kindOf = ({ slowShare }: Socket): string => (slowShare > 0 ? SOME_SLOW : ALL_READ);
  return [...Map.groupBy(sockets, (socket) => `${socket.clients} ${kindOf(socket)}`).values()]
    .flatMap((group): SocketRow[] => {
      if (!group[0]) return [];
      const of = (pick: (socket: Socket) => number): number => medianOf(group.map(pick));
      return [
        {
          kind: kindOf(group[0]),
          clients: group[0].clients,
          framesPerSecond: of(({ framesPerSecond }) => framesPerSecond),
          delayP99: of(({ delayP99 }) => delayP99),
          bytesPerClient: of(({ bytesPerClient }) => bytesPerClient / 1_024),
        },
      ];
    })
    .sort((a, b) => a.clients - b.clients || (a.kind < b.kind ? -1 : 1));
};

const socketChart = (rows: readonly SocketRow[]) => {
  const kinds = [...new Set(rows.map(({ kind }) => kind))].sort();
  const scaled = (range: readonly unknown[]) => ({
    field: "kind",
    type: "nominal",
    scale: { domain: [ALL_READ, SOME_SLOW], range },
    legend: { values: kinds },
  });
  const color = scaled(["var(--v1)", "var(--v2)"]);
  const clients = rows.map((row) => row.clients);
  const panels = [
    ["framesPerSecond", "frames per second, to all"],
    ["delayP99", "delay p99, ms"],
    ["bytesPerClient", "memory per client, KiB"],
  ] as const;
  return {
    spacing: 34,
    resolve: { scale: { color: "shared", strokeDash: "shared", shape: "shared" } },
    data: { values: rows },
    vconcat: panels.map(([field, title], index) => {
      const isLast = index === panels.length - 1;
      const axis = logAcross("clients", isLast ? "WebSocket clients" : "", clients);
      const x = { ...axis, axis: { ...axis.axis, labels: isLast } };
      const inSight = rows.map((row) => row[field]);
      const y = logUp(field, title, inSight, SOCKET_PANEL_PIXELS);
      return {
        width: WIDTH_PIXELS,
        height: SOCKET_PANEL_PIXELS,
        layer: [
          {
            mark: { type: "line" },
            encoding: {
              x,
              y,
              color,
              strokeDash: {
                ...scaled([
                  [1, 0],
                  [9, 4],
                ]),
                legend: null,
              },
            },
          },
          {
            mark: { type: "point", filled: true, size: 62, opacity: 1 },
            encoding: { x, y, color, shape: scaled(["circle", "square"]) },
          },
        ],
      };
    }),
  };
};
