/** The programs of the image, from its tree: as its user, without capabilities, the tree read-only. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { modes } from "#shared/modes/all.ts";
import { freePort } from "../system/servers/ports.ts";
import { addressesOf, type Servers } from "../system/servers/start.ts";
import { type Built, mount } from "./image-build.ts";

type Program = {
  readonly name: string;
  readonly child: ChildProcess;
  readonly env: Readonly<Record<string, string>>;
  output(): string;
};

const WITHIN_MS = 60_000;
const POLL_MS = 100;
const ORDERS = 20;

/** As an engine with `--read-only --cap-drop ALL --security-opt no-new-privileges` starts it. */
const inside = ({ root, folder, user }: Built, command: readonly string[]): string[] => [
  // by its path: where programs are is the image's own business
  "/usr/sbin/chroot",
  root,
  "setpriv",
  `--reuid=${user.uid}`,
  `--regid=${user.gid}`,
  "--clear-groups",
  "--no-new-privs",
  "--bounding-set=-all",
  "/usr/bin/env",
  "-C",
  folder,
  ...command,
];

const start = (
  image: Built,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Program => {
  const { entrypoint } = image.stage;
  const [command = "", ...rest] = inside(image, [...entrypoint, ...args]);
  // --pid: the init is process 1 of its own, as in a container; --kill-child: nothing is left when we end
  const own = ["--pid", "--fork", "--kill-child", `--mount-proc=${image.root}/proc`];
  const child = spawn("unshare", [...own, command, ...rest], {
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...image.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  return { name, child, env, output: () => output };
};

const until = async (
  what: string,
  programs: readonly Program[],
  holds: () => Promise<boolean>,
): Promise<void> => {
  for (const deadline = Date.now() + WITHIN_MS; ; await sleep(POLL_MS)) {
    const dead = programs.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
    if (dead) {
      const status = dead.child.exitCode ?? dead.child.signalCode;
      throw new Error(`${dead.name} ended with ${status}:\n${dead.output()}`);
    }
    if (await holds().catch(() => false)) return;
    if (Date.now() > deadline)
      throw new Error(
        `not within ${WITHIN_MS} ms: ${what}\n${programs.map(({ output }) => output()).join("\n")}`,
      );
  }
};

const ended = async ({ child, name, output }: Program): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  if (child.exitCode !== 0)
    throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}:\n${output()}`);
};

/** The signal goes to the init, as an engine sends it; unshare would keep it for itself. */
const stop = async (program: Program): Promise<void> => {
  const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(program.child.pid)], {
    encoding: "utf8",
  });
  process.kill(Number(children.trim().split(/\s+/)[0]), "SIGTERM");
  await ended(program);
};

type Dashboard = { readonly modes: Readonly<Record<string, { readonly orders: number }>> };

const countedOf = async (url: string, mode: string): Promise<number> => {
  const { modes: found } = (await (await fetch(`${url}/api/dashboard`)).json()) as Dashboard;
  return found[mode]?.orders ?? 0;
};

const order = async (url: string, mode: string): Promise<void> => {
  const response = await fetch(`${url}/api/${mode}/order`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ drink: "latte", store: "uptown", price: 4.5 }),
  });
  if (!response.ok) throw new Error(`${mode} answered ${response.status}: ${await response.text()}`);
};

/** Not even root can, once it is mounted so. */
const refuseWriting = (image: Built): void => {
  mount("-o", "remount,ro", image.root);
  const { status, stderr } = spawnSync("chroot", [image.root, "touch", "/app/x"], { encoding: "utf8" });
  if (status === 0) throw new Error("the root can be written to");
  if (!stderr.includes("Read-only")) throw new Error(`the root refuses for another reason: ${stderr}`);
};

const checkHealth = (image: Built, { name, env }: Program): void => {
  const [command = "", ...rest] = inside(image, image.stage.health);
  const { status, stderr } = spawnSync(command, rest, {
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...image.env, ...env },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the health check of ${name} says ${status}: ${stderr}`);
};

/** Migrates, takes orders by every mode and sees them counted, and stops. Resolves with sentences on what it saw. */
export const runSystem = async (image: Built, servers: Servers): Promise<string[]> => {
  refuseWriting(image);
  const urls = addressesOf(servers);
  await ended(
    start(image, "migrations", ["node", "db/main.ts"], { DATABASE_URL: servers.postgres?.url ?? "" }),
  );
  const port = String(await freePort());
  const switches = Object.fromEntries(modes.map(({ name }) => [`${name.toUpperCase()}_ENABLED`, "true"]));
  const programs = [start(image, "order-api", image.stage.command, { ...urls, ...switches, PORT: port })];
  try {
    for (const { name: MODE } of modes) {
      const env = { ...urls, MODE, METRICS_PORT: String(await freePort()) };
      programs.push(start(image, `worker-${MODE}`, ["node", "services/worker/main.ts"], env));
    }
    const url = `http://127.0.0.1:${port}`;
    for (const { name } of modes) {
      await until(`${name} takes orders`, programs, () => order(url, name).then(() => true));
      for (let sent = 1; sent < ORDERS; sent++) await order(url, name);
    }
    for (const { name } of modes)
      await until(`${name} has counted`, programs, async () => (await countedOf(url, name)) >= ORDERS);
    for (const program of programs) checkHealth(image, program);
    for (const program of programs) await stop(program);
    return [
      `run as ${image.user.uid}:${image.user.gid} without capabilities on a read-only root: migrations, the API and ${modes.length} workers`,
      `${ORDERS} orders taken and counted by each of ${modes.map(({ name }) => name).join(", ")}; health checks hold; SIGTERM to the init ends each with 0`,
    ];
  } finally {
    for (const { child } of programs) child.kill("SIGKILL");
  }
};
