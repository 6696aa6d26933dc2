/**
 * The order API with further modes: `null`, which answers after one setImmediate (the same app, validation and reply),
 * and the real ones set otherwise, to show what their settings are worth.
 */
import { Type } from "typebox";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { modes } from "#shared/modes/all.ts";
import type { Mode } from "#shared/ports.ts";
import { runProgram } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import catalogueJson from "../../../services/order-api/catalogue.json" with { type: "json" };
import { type EnabledMode, loadApiSettings } from "../../../services/order-api/config.ts";
import { serve } from "../../../services/order-api/serve.ts";

const nothing: Mode = {
  name: "null",
  title: "no backend",
  backend: "postgres",
  accepts: "queued",
  knobs: Type.Object({}),
  durability: () => "202: nothing is kept",
  openIntake: () => ({
    accept: (orders) =>
      new Promise((resolve) =>
        setImmediate(
          resolve,
          orders.map(() => ({ replayed: false as const })),
        ),
      ),
    isFull: () => false,
    backlog: async () => ({ orders: 0, oldestMs: 0 }),
    probe: async () => undefined,
    verified: () => ({}),
    close: async () => undefined,
  }),
  openSource: () => {
    throw new Error("the null mode keeps nothing that could be counted");
  },
};

/** Under another name, with other settings. */
const variantOf = (of: string, name: string, others: object): EnabledMode[] => {
  const mode = modes.find((each) => each.name === of);
  const settings = enabled.find((each) => each.mode.name === of)?.settings;
  return mode && settings ? [{ mode: { ...mode, name }, settings: { ...settings, ...others } }] : [];
};

const { settings, enabled } = loadApiSettings(process.env);
const log = openLog("bench-api", settings.logLevel, false);
await runProgram(log, settings.stopDeadlineMs, async (closers, failed) => {
  await serve({
    settings,
    enabled: [
      { mode: nothing, settings: {} },
      ...enabled,
      ...variantOf("v1", "v1-each", { v1GroupMaxOrders: 1, v1MaxWritesInFlight: 10 }),
      ...variantOf("v2", "v2-each", { v2GroupMaxOrders: 1, v2MaxWritesInFlight: 64 }),
      ...variantOf("v2", "v2-everysec", {
        streamRedisUrl: process.env["EVERYSEC_REDIS_URL"],
        v2Appendfsync: "everysec",
      }),
    ],
    catalogue: catalogueFrom(catalogueJson),
    log,
    closers,
    failed,
  });
});
