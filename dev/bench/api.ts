/** The order API with one mode more, `null`: the same app, validation and reply, answering after one setImmediate. */

import { Type } from "typebox";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import type { Mode } from "#shared/ports.ts";
import { runProgram } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import catalogueJson from "../../services/order-api/catalogue.json" with { type: "json" };
import { loadApiSettings } from "../../services/order-api/config.ts";
import { serve } from "../../services/order-api/serve.ts";

const nothing: Mode = {
  name: "null",
  title: "no backend",
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
    backlog: async () => ({ orders: 0, oldestMs: 0 }),
    close: async () => undefined,
  }),
  openSource: () => {
    throw new Error("the null mode keeps nothing that could be counted");
  },
};

const { settings, enabled } = loadApiSettings(process.env);
const log = openLog("bench-api", settings.logLevel, false);
await runProgram(log, settings.stopDeadlineMs, async (closers) => {
  await serve({
    settings,
    enabled: [{ mode: nothing, settings: {} }, ...enabled],
    catalogue: catalogueFrom(catalogueJson),
    log,
    closers,
  });
});
