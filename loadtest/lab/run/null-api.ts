/** The null baseline: the order API with a mode that stores nothing. Same app, validation and reply, after one setImmediate. */
import { Type } from "typebox";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import type { Mode } from "#shared/ports.ts";
import { runProgram } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import catalogueJson from "../../../services/order-api/catalogue.json" with { type: "json" };
import { loadApiSettings } from "../../../services/order-api/config.ts";
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
    throw new Error("the null mode stores nothing that a worker could count");
  },
};

const { settings, enabled } = loadApiSettings(process.env);
const log = openLog("null-api", settings.logLevel, false);
await runProgram(log, settings.stopDeadlineMs, async (closers, failed) => {
  await serve({
    settings,
    enabled: [{ mode: nothing, settings: {} }, ...enabled],
    catalogue: catalogueFrom(catalogueJson),
    tokens: null,
    log,
    closers,
    failed,
  });
});
