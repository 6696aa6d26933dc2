import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { debianProgram } from "./apt.ts";
import { giveToServerUser, serverFolder, serverUser } from "./data-dir.ts";
import { freePort } from "./ports.ts";
import { launch } from "./process.ts";
import { postgresIsReady } from "./ready.ts";
import type { Server } from "./server.ts";

export type PgbouncerOptions = {
  /** The PostgreSQL behind it, on this machine. */
  postgresPort: number;
  poolMode: "session" | "transaction" | "statement";
  /** The roles that may come in, without a password, besides postgres. */
  users?: readonly string[];
  /** Further settings, by pgbouncer's names. */
  settings?: Readonly<Record<string, string>>;
  log?: (line: string) => void;
};

const READY_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 2_000;

/** pgbouncer with its default settings, but for where it listens and what the options say. */
export const startPgbouncer = async (options: PgbouncerOptions): Promise<Server> => {
  const { postgresPort, poolMode, users = [], settings = {}, log = () => undefined } = options;
  const { command, env } = await debianProgram("pgbouncer", log);
  const { folder, temporary } = serverFolder("pgbouncer");
  const port = await freePort();
  const files = { ini: join(folder, "pgbouncer.ini"), users: join(folder, "users.txt") };
  const own = {
    listen_addr: "127.0.0.1",
    listen_port: String(port),
    unix_socket_dir: "",
    auth_type: "trust",
    auth_file: files.users,
    pool_mode: poolMode,
    ...settings,
  };
  const lines = Object.entries(own).map(([name, value]) => `${name} = ${value}`);
  writeFileSync(
    files.ini,
    ["[databases]", `* = host=127.0.0.1 port=${postgresPort}`, "[pgbouncer]", ...lines, ""].join("\n"),
  );
  writeFileSync(files.users, ["postgres", ...users].map((user) => `"${user}" ""\n`).join(""));
  for (const file of Object.values(files)) giveToServerUser(file);
  return launch({
    name: "pgbouncer",
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    command,
    args: [files.ini],
    env,
    folder,
    ...serverUser(),
    stopSignal: "SIGINT",
    stopWithinMs: STOP_WITHIN_MS,
    temporary,
    isReady: () => postgresIsReady(port),
    readyWithinMs: READY_WITHIN_MS,
  });
};
