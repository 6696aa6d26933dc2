/** How many watchers one process serves, and when they begin to wait. */

import { medianOf } from "../../judge/statistics.ts";
import type { Run, Suite } from "../../run/results.ts";
import { atTenHertz, isValid, runsOf } from "../figures.ts";
import { msText, numberText } from "../numbers.ts";
import type { Picture } from "../picture.ts";
import { logAcross, logUp, WIDTH_PIXELS } from "./marks.ts";

type Socket = NonNullable<Run["websocket"]>;
type Row = Omit<Socket, "slowShare"> & { readonly kind: string };

const PANEL_PIXELS = 130;
const [ALL_READ, SOME_SLOW] = ["all clients read", "some clients are slow"];

export const fanOut = (suite: Suite): Picture[] => {
  const rows = rowsOf(atTenHertz(runsOf(suite, "E7").filter(isValid)));
  const most = rows.at(-1);
  if (!most) return [];
  return [
    {
      id: "fan-out",
      title: "How many watchers one process serves",
      reading:
        "Delay is from the board's time to the frame's arrival; memory is the order API's, for each client.",
      description: `Against the number of clients: frames per second, delay and memory. At ${numberText(most.clients)} clients ${numberText(most.framesPerSecond)} frames/s and a delay p99 of ${msText(most.delayP99)}.`,
      chart: chartOf(rows),
    },
  ];
};

const rowsOf = (runs: readonly Run[]): Row[] => {
  const sockets = runs.flatMap(({ websocket }) => (websocket ? [websocket] : []));
  const kindOf = ({ slowShare }: Socket): string => (slowShare > 0 ? SOME_SLOW : ALL_READ);
  return [...Map.groupBy(sockets, (socket) => `${socket.clients} ${kindOf(socket)}`).values()]
    .flatMap((group): Row[] => {
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

const chartOf = (rows: readonly Row[]) => {
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
      const y = logUp(field, title, inSight, PANEL_PIXELS);
      return {
        width: WIDTH_PIXELS,
        height: PANEL_PIXELS,
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
