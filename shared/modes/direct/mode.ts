import type { Log, Mode, Source } from "../../ports.ts";
import { openDirectIntake } from "./intake.ts";
import { type DirectSettings, directKnobs } from "./knobs.ts";

/** Loaded by workers alone: the order API has every mode, and no use for the 10 MB that BullMQ takes. */
const openSource = (settings: DirectSettings, log: Log): Source => {
  const opened = import("./source.ts").then(({ openDirectSource }) => openDirectSource(settings, log));
  // it may reject before anybody waits for it
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
  openIntake: (settings, log) => openDirectIntake(settings as DirectSettings, log),
  openSource: (settings, log) => openSource(settings as DirectSettings, log),
};
