import { type TSchema, Type } from "typebox";
import { modes } from "#shared/modes/all.ts";
import { loadSettings, variableOf } from "#shared/runtime/config.ts";
import { checkKeeps, type Keeps, retain, retentionKnobs } from "#shared/store/retention.ts";
import { type Command, type Context, FOUND, OK, UsageError } from "./command.ts";

/** Does now what the workers do daily, or lists what they would do. */
export const retention: Command = {
  name: "retention",
  summary: "drops expired orders, rollups and dead letters",
  usage: [
    "retention              drops them now; a worker does the same every day",
    "retention --dry-run    lists what would be dropped, and changes nothing",
    `How long data is kept: ${Object.keys(retentionKnobs.properties).map(variableOf).join(", ")}, in days`,
  ].join("\n"),
  run: async (args, { pool, say, signal, env }) => {
    const unknown = args.find((arg) => arg !== "--dry-run");
    if (unknown !== undefined) throw new UsageError(`retention does not know "${unknown}".`);
    const dryRun = args.length > 0;
    const outcomes = await retain(pool, keepsFrom(env), { signal, dryRun });
    if (outcomes === null) {
      say("Another process is running retention.");
      return FOUND;
    }
    for (const { relation, amount, fate } of outcomes)
      say(`${relation.padEnd(20)} ${amount.padStart(14)}  ${FATES[fate]}`);
    if (outcomes.length === 0) say("Nothing has expired.");
    return outcomes.some(({ fate }) => fate === "busy" || fate === "uncounted") ? FOUND : OK;
  },
};

const FATES = {
  dropped: "dropped",
  "would be dropped": "would be dropped",
  uncounted: "kept: it contains orders that are not counted yet",
  busy: "kept: other sessions held its lock all the time; try again",
} as const;

/** Of the modes only the knobs that affect retention: their servers are not needed here. */
const keepsFrom = (env: Context["env"]): Keeps => {
  const keeps = loadSettings(retentionKnobs, env);
  for (const mode of modes) {
    const knob = mode.keeps?.knob;
    if (knob === undefined) continue;
    const schema = Type.Object({ [knob]: mode.knobs.properties[knob] as TSchema });
    checkKeeps(keeps, mode, loadSettings(schema, env));
  }
  return keeps;
};
