/** The checks of `npm run check:containers`, in their order. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { modes as allModes } from "#shared/modes/all.ts";
import { JOBS } from "../../grafana/metric-sources.ts";
import type { Check, Log } from "../checks.ts";
import { waitUntil } from "../system/wait.ts";
import { image } from "./image.ts";
import { docker, type Installation, NAME, withInstallation } from "./installation.ts";
import { startLoad } from "./load.ts";
import { audited, checkStates, down, operate, unnamedVolumes } from "./steps.ts";

const root = join(import.meta.dirname, "../..");
const modes = allModes.map(({ name }) => name);
const workers = modes.map((mode) => `worker-${mode}`);
/** No image has it, as on a cluster that assigns users. */
const ANY_USER = "1234567:0";
const WORKERS_OF_EACH = 3;
const STATES_WITHIN_MS = 300_000;
const SCRAPED_WITHIN_MS = 120_000;
/** Orders before and after each step. */
const AROUND_MS = 3_000;

/** One mode, with an arbitrary user id: orders through the API and the page, and its data after down and up. */
const alone = (mode: string): Check => ({
  name: mode,
  says: `${mode} alone, as a user that no image knows; its data after down and up`,
  run: (log, problems) =>
    withInstallation({ modes: [mode], user: ANY_USER }, async (installation) => {
      const before = await unnamedVolumes();
      log("up");
      await installation.up();
      const seen = [await checkStates(installation, problems)];
      const load = startLoad(installation, [mode]);
      await sleep(AROUND_MS);
      await load.stop();
      seen.push(await audited(load, problems));
      log("down, and up");
      await down(installation, before, problems);
      await installation.up();
      const again = await audited(load, problems);
      const reconciled = await operate(installation, "reconcile", problems);
      return [...seen, `after down and up: ${again}; reconcile: ${reconciled.at(-1)}`];
    }),
});

/** Every container is restarted once, with three workers of each mode. */
const together: Check = {
  name: "all",
  says: "all modes together: more workers, every container restarted while orders arrive",
  run: (log, problems) =>
    withInstallation({ modes }, async (installation) => {
      const { compose } = installation;
      log("up");
      await installation.up();
      const load = startLoad(installation, modes);
      log(`${WORKERS_OF_EACH} workers of each mode`);
      const scaled = workers.flatMap((name) => ["--scale", `${name}=${WORKERS_OF_EACH}`]);
      await installation.up(...scaled);
      const seen = [await checkStates(installation, problems)];
      const services = (await compose("ps", "--services")).split("\n").filter((name) => name !== "");
      for (const service of services) {
        log(`restart ${service}`);
        await sleep(AROUND_MS);
        await compose("restart", service);
      }
      // waits until all are healthy, and changes nothing
      await installation.up(...scaled);
      await load.stop();
      seen.push(`${services.length} services restarted: ${await audited(load, problems)}`);
      for (const command of ["reconcile", "smoke"])
        seen.push(`${command}: ${(await operate(installation, command, problems)).join(", ")}`);
      seen.push(await checkLogs(installation, problems), await checkFrozen(installation, log));
      return seen;
    }),
};

/** What `docker compose logs` shows of our programs: JSON lines with a level and a message. */
const checkLogs = async ({ compose }: Installation, problems: string[]): Promise<string> => {
  const text = await compose("logs", "--no-color", "--no-log-prefix", "order-api", ...workers);
  const lines = text.split("\n").filter((line) => line !== "");
  const others = lines.filter((line) => !/"level":\d+.*"msg":"[^"]/.test(line));
  if (lines.length === 0) problems.push("the programs have logged nothing");
  if (others.length > 0) problems.push(`${others.length} lines of the logs are not JSON: ${others[0]}`);
  return `${lines.length} log lines, ${lines.length - others.length} with level and message`;
};

/** A container whose program hangs becomes unhealthy, and healthy again when the program goes on. */
const checkFrozen = async ({ compose, containers }: Installation, log: Log): Promise<string> => {
  const names = ["order-api", "worker-v1", "postgres", "redis-stream", "kafka"];
  const send = async (signal: "STOP" | "CONT"): Promise<void> => {
    for (const name of names) {
      // a signal from inside does not reach the first process, one from outside reaches it alone
      await compose("exec", "--no-TTY", name, "sh", "-c", `kill -${signal} -1 || true`);
      await compose("kill", "--signal", signal, name);
    }
  };
  const statesOf = async (name: string): Promise<string[]> =>
    (await containers()).filter(({ service }) => service === name).map(({ state }) => state);
  // of several workers `exec` reaches one
  const areUnhealthy = async (): Promise<boolean> => {
    for (const name of names) if (!(await statesOf(name)).includes("unhealthy")) return false;
    return true;
  };
  const areHealthy = async (): Promise<boolean> => {
    for (const name of names) if ((await statesOf(name)).some((state) => state !== "healthy")) return false;
    return true;
  };
  log("programs frozen until their containers are unhealthy (two minutes)");
  await send("STOP");
  await waitUntil("all frozen containers are unhealthy", areUnhealthy, STATES_WITHIN_MS);
  await send("CONT");
  await waitUntil("all containers are healthy again", areHealthy, STATES_WITHIN_MS);
  return `frozen, then unhealthy, then healthy again: ${names.join(", ")}`;
};

type Targets = {
  readonly data: {
    readonly activeTargets: readonly {
      readonly health: string;
      readonly lastError: string;
      readonly labels: { readonly job: string; readonly instance: string };
    }[];
  };
};

const observed: Check = {
  name: "observe",
  says: "all modes with the profile observe: every target of Prometheus is up",
  run: (log, problems) =>
    withInstallation({ modes, profile: "observe" }, async (installation) => {
      const before = await unnamedVolumes();
      log("up");
      await installation.up();
      const targets = async () => {
        const reply = await fetch(`${installation.prometheusUrl}/api/v1/targets?state=active`);
        return ((await reply.json()) as Targets).data.activeTargets;
      };
      const well = async (): Promise<boolean> => {
        const those = await targets();
        const up = new Set(those.filter(({ health }) => health === "up").map(({ labels }) => labels.job));
        return JOBS.every((job) => up.has(job)) && those.every(({ health }) => health === "up");
      };
      await waitUntil("every target is up", well, SCRAPED_WITHIN_MS).catch(() => undefined);
      const those = await targets();
      for (const { labels, health, lastError } of those)
        if (health !== "up") problems.push(`${labels.job} at ${labels.instance} is ${health}: ${lastError}`);
      for (const job of JOBS)
        if (!those.some(({ labels }) => labels.job === job)) problems.push(`no target of ${job}`);
      const seen = await checkStates(installation, problems);
      await down(installation, before, problems);
      return [seen, `${those.length} targets of ${JOBS.length} jobs are up`];
    }),
};

const contract: Check = {
  name: "contract",
  says: "the contract of all modes, on servers in containers (testcontainers)",
  run: async (_log, _problems) => {
    const command = ["dev/bootstrap.mjs", "test", "test/contract/contract.integration.test.ts"];
    const env = { ...process.env, COFFEE_SERVERS: "containers" };
    const { stdout } = await promisify(execFile)(process.execPath, command, {
      cwd: root,
      env,
      maxBuffer: 50_000_000,
    }).catch((error: { stdout?: string; stderr?: string }) => {
      throw new Error(
        `${error.stdout ?? ""}\n${error.stderr ?? ""}`.trim().split("\n").slice(-40).join("\n"),
      );
    });
    return [stdout.trim().split("\n").at(-1) ?? ""];
  },
};

/** From the files and images of an older revision to those of this checkout and back, while orders arrive. */
const upgrade = (from: string | undefined): Check => ({
  name: "upgrade",
  says: "from an older revision to this one and back, while orders arrive in all modes",
  lacks: () => (from === undefined ? "an older revision: --from REVISION" : null),
  run: async (log, problems) => {
    const folder = mkdtempSync(join(tmpdir(), "coffee-rt-older-"));
    const git = (...args: readonly string[]) => promisify(execFile)("git", [...args], { cwd: root });
    try {
      await git("worktree", "add", "--detach", folder, from ?? "");
      const images = { COFFEE_IMAGE: `${NAME}-older`, DASHBOARD_IMAGE: `${NAME}-dashboard-older` };
      log(`building ${from}`);
      await docker(["build", "--tag", images.COFFEE_IMAGE, "."], {}, folder);
      await docker(["build", "--tag", images.DASHBOARD_IMAGE, "--target", "dashboard", "."], {}, folder);
      return await withInstallation({ modes }, (newer) =>
        withInstallation({ modes, folder, images }, async (older) => {
          log(`up with ${from}`);
          await older.up();
          const load = startLoad(newer, modes);
          for (const [what, next] of [
            ["this checkout", newer],
            [from, older],
            ["this checkout again", newer],
          ] as const) {
            await sleep(AROUND_MS);
            log(`up with ${what}`);
            await next.up();
          }
          await sleep(AROUND_MS);
          await load.stop();
          const seen = [await checkStates(newer, problems), await audited(load, problems)];
          return [...seen, ...(await operate(newer, "reconcile", problems))];
        }),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
      await git("worktree", "prune");
    }
  },
});

export const checksOf = (from: string | undefined): readonly Check[] => [
  image,
  ...modes.map(alone),
  together,
  observed,
  contract,
  upgrade(from),
];
