import { Type } from "typebox";

const server = Type.Union([Type.Literal("ok"), Type.Literal("away")]);

/** GET /readyz. */
export const readiness = Type.Object({
  ready: Type.Boolean({ description: "whether any mode takes orders, and the process is not stopping" }),
  stopping: Type.Boolean(),
  modes: Type.Record(
    Type.String(),
    Type.Object({
      health: Type.Union([Type.Literal("ok"), Type.Literal("lagging"), Type.Literal("unavailable")]),
      reason: Type.Optional(
        Type.String({ description: "why the mode rejects orders, or which reading failed" }),
      ),
    }),
  ),
  servers: Type.Object({ postgresql: server, board_redis: server }),
});

/** GET /livez. */
export const liveness = Type.Object({ alive: Type.Boolean() });
