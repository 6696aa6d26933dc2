import type { Mode } from "../../ports.ts";
import { openDirectIntake } from "./intake.ts";
import { type DirectSettings, directKnobs } from "./knobs.ts";
import { openDirectSource } from "./source.ts";

/** v1: orders go straight into PostgreSQL; an aggregator counts them on a schedule. */
export const direct: Mode = {
  name: "v1",
  title: "direct PostgreSQL",
  accepts: "stored",
  knobs: directKnobs,
  durability: (settings) =>
    settings["v1SynchronousCommit"] === "off"
      ? "201: committed in PostgreSQL, not yet on its disk (synchronous_commit=off)"
      : "201: committed in PostgreSQL",
  openIntake: (settings, log) => openDirectIntake(settings as DirectSettings, log),
  openSource: (settings, log) => openDirectSource(settings as DirectSettings, log),
};
