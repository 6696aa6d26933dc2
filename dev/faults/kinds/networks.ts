/** Networks between a program and a server that are cut, silent, one-way, forgotten or slow. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, Scene } from "../fault.ts";
import type { Disturbance } from "../wire.ts";
import { type ProgramKind, SERVERS, type ServerName } from "../wiring.ts";

const CUT_MS = 3_000;

/** A worker waits so long for PostgreSQL before it tries another connection. */
const PATIENCE = { STATEMENT_TIMEOUT_MS: "10000" };

const DISTURBANCES: readonly (readonly [name: string, Disturbance])[] = [
  ["cut", "cut"],
  ["half-open", "silent"],
  ["replies-lost", "replies-lost"],
  ["forgotten", "forgotten"],
  ["slow", { delayMs: 200, jitterMs: 200 }],
];

const disturb = async ({ ground }: Scene, kind: ProgramKind, server: ServerName, how: Disturbance) => {
  const wire = ground.wire(kind, server);
  wire.disturb(how);
  await sleep(CUT_MS);
  wire.disturb("none");
};

export const networks: readonly Fault[] = SERVERS.flatMap(({ name, modes }) =>
  (["api", "worker"] as const).flatMap((kind) =>
    DISTURBANCES.map(([how, disturbance]) => ({
      name: `net-${kind}-${name}-${how}`,
      ...(modes && { modes }),
      ground: { isWired: true, env: PATIENCE },
      strike: (scene: Scene) => disturb(scene, kind, name, disturbance),
      recoverWithinSeconds: 30,
    })),
  ),
);
