/** Who reaches which server, and by which wire. */
import type { Random } from "#shared/domain/random.ts";
import type { Closers } from "#shared/runtime/lifecycle.ts";
import { freePort } from "../system/servers/ports.ts";
import type { Server } from "../system/servers/server.ts";
import type { KafkaDoor } from "../system/servers/settings.ts";
import { openWire, type Wire } from "./wire.ts";

export type ServerName = "postgres" | "board" | "stream" | "kafka";
export type ProgramKind = "api" | "worker";

/** Every server, and the modes that have it. */
export const SERVERS: readonly { readonly name: ServerName; readonly modes?: readonly string[] }[] = [
  { name: "postgres" },
  { name: "board" },
  { name: "stream", modes: ["v2"] },
  { name: "kafka", modes: ["v3"] },
];
/** The server without which a mode cannot accept. */
export const BACKENDS: Record<string, ServerName> = { v1: "postgres", v2: "stream", v3: "kafka" };

export type Wiring = {
  /** A broker tells its clients where to go on: those of a wire have to be sent back to it. */
  readonly doors: readonly KafkaDoor[];
  wire(kind: ProgramKind, name: ServerName): Wire;
  /** The servers are there now. */
  leadTo(servers: Readonly<Partial<Record<ServerName, Server>>>): void;
  /** Where a kind of program reaches the servers, by the variables of its settings. */
  environmentOf(
    kind: ProgramKind,
    servers: Readonly<Partial<Record<ServerName, Server>>>,
  ): Record<string, string>;
};

const VARIABLES: Record<ServerName, string> = {
  postgres: "DATABASE_URL",
  board: "BOARD_REDIS_URL",
  stream: "STREAM_REDIS_URL",
  kafka: "KAFKA_BROKERS",
};
const KINDS: readonly ProgramKind[] = ["api", "worker"];

/** A wire between each kind of program and each of the servers; without `isWired` they reach them straight. */
export const openWiring = async (
  names: readonly ServerName[],
  isWired: boolean,
  random: Random,
  closers: Closers,
): Promise<Wiring> => {
  const wires = new Map<string, Wire>();
  const doors = new Map<string, KafkaDoor>();
  for (const name of isWired ? names : [])
    for (const kind of KINDS) {
      const wire = await openWire(random);
      wires.set(`${kind} ${name}`, wire);
      closers.add(`the wire of ${kind} and ${name}`, () => wire.close());
      const door = { name: kind.toUpperCase(), port: await freePort(), advertisedPort: wire.port };
      if (name === "kafka") doors.set(`${kind} ${name}`, door);
    }
  return {
    doors: [...doors.values()],
    wire: (kind, name) => {
      const wire = wires.get(`${kind} ${name}`);
      if (wire === undefined) throw new Error(`there is no wire between ${kind} and ${name}`);
      return wire;
    },
    leadTo: (servers) => {
      for (const name of names)
        for (const kind of KINDS) {
          const port = doors.get(`${kind} ${name}`)?.port ?? servers[name]?.port ?? 0;
          wires.get(`${kind} ${name}`)?.leadTo(port);
        }
    },
    environmentOf: (kind, servers) =>
      Object.fromEntries(
        names.map((name) => {
          const { url = "", port = 0 } = servers[name] ?? {};
          const wired = wires.get(`${kind} ${name}`)?.port ?? port;
          return [VARIABLES[name], url.replace(String(port), String(wired))];
        }),
      ),
  };
};
