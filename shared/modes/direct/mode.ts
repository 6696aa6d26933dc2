import { type Static, Type } from "typebox";
import type { Log, Mode, Source } from "../../ports.ts";
import { boardRedisUrlKnob, databaseUrlKnob } from "../../runtime/config.ts";
import { openDirectIntake } from "./intake.ts";

export const directKnobs = Type.Object({
  databaseUrl: databaseUrlKnob,
  boardRedisUrl: boardRedisUrlKnob,
  v1GroupMaxOrders: Type.Integer({
    default: 500,
    minimum: 1,
    maximum: 10_000,
    description: "orders that share one commit; 1 is one INSERT per request",
  }),
  v1MaxWritesInFlight: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 100,
    description: "commits in flight at a time, each on its own connection",
  }),
  v1MaxQueuedOrders: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    description: "orders queued for a commit; more are answered 503",
  }),
  v1SynchronousCommit: Type.Union([Type.Literal("on"), Type.Literal("off")], {
    default: "on",
    description: "on replies after the order is on disk, off before that (for experiments)",
  }),
  v1TickMs: Type.Integer({
    default: 500,
    minimum: 50,
    maximum: 3_600_000,
    description: "how often stored orders are counted",
  }),
});

export type DirectSettings = Static<typeof directKnobs>;

/** Loaded by workers only: the order API loads every mode, and does not need the 10 MB of BullMQ. */
const openSource = (settings: DirectSettings, log: Log): Source => {
  const opened = import("./source.ts").then(({ openDirectSource }) => openDirectSource(settings, log));
  // it may reject before it is awaited
  opened.catch(() => undefined);
  return {
    run: async (count, signal) => (await opened).run(count, signal),
    close: async () => (await opened).close(),
  };
};

/** v1: orders go straight into PostgreSQL; an aggregator counts them on a schedule. */
export const direct: Mode = {
  name: "v1",
  title: "direct PostgreSQL",
  backend: "postgres",
  accepts: "stored",
  knobs: directKnobs,
  durability: (settings) =>
    settings["v1SynchronousCommit"] === "off"
      ? "201: committed in PostgreSQL, not yet on its disk (synchronous_commit=off)"
      : "201: committed in PostgreSQL",
  openIntake: (settings, log, failed) => openDirectIntake(settings as DirectSettings, log, failed),
  openSource: (settings, log) => openSource(settings as DirectSettings, log),
};
