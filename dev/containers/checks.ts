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
import { startCustomers } from "./customers.ts";
import { image } from "./image.ts";
import { docker, type Installation, NAME, withInstallation } from "./installation.ts";
import { allWell, audited, down, operate, unnamedVolumes } from "./steps.ts";

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

/** A mode alone, as any user: orders by the API and the page, and its data after down and up. */
const alone = (mode: string): Check => ({
  name: mode,
  says: `${mode} alone, as a user that no image knows; its data after down and up`,
  run: (log, problems) =>
    withInstallation({ modes: [mode], user: ANY_USER }, async (installation) => {
      const before = await unnamedVolumes();
      log("up");
      await installation.up();
      const seen = [await allWell(installation, problems)];
      const customers = startCustomers(installation, [mode]);
      await sleep(AROUND_MS);
      await customers.stop();
      seen.push(await audited(customers, problems));
      log("down, and up");
      await down(installation, before, problems);
      await installation.up();
      const again = await audited(customers, problems);
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
      const customers = startCustomers(installation, modes);
      log(`${WORKERS_OF_EACH} workers of each mode`);
      await installation.up(...workers.flatMap((name) => ["--scale", `${name}=${WORKERS_OF_EACH}`]));
      const seen = [await allWell(installation, problems)];
      const services = (await compose("ps", "--services")).split("\n").filter((name) => name !== "");
      for (const service of services) {
        log(`restart ${service}`);
        await sleep(AROUND_MS);
        await compose("restart", service);
      }
      await sleep(AROUND_MS);
      await customers.stop();
      seen.push(`${services.length} services restarted: ${await audited(customers, problems)}`);
      for (const command of ["reconcile", "smoke"])
        seen.push(`${command}: ${(await operate(installation, command, problems)).join(", ")}`);
      seen.push(await says(installation, problems), await frozen(installation, log));
      return seen;
    }),
};

/** What `docker compose logs` shows of our programs: JSON lines with a level and a sentence. */
const says = async ({ compose }: Installation, problems: string[]): Promise<string> => {
  const text = await compose("logs", "--no-color", "--no-log-prefix", "order-api", ...workers);
  const lines = text.split("\n").filter((line) => line !== "");
  const others = lines.filter((line) => !/"level":\d+.*"msg":"[^"]/.test(line));
  if (others.length > 0) problems.push(`${others.length} lines of the logs are not JSON: ${others[0]}`);
  return `${lines.length} log lines, all with level and message`;
};

/** A container whose program has stopped moving is unhealthy, and healthy again when it goes on. */
const frozen = async ({ compose, containers }: Installation, log: Log): Promise<string> => {
  const names = ["order-api", "worker-v1", "postgres", "redis-stream", "kafka"];
  // the first process, which a signal from inside does not reach, and all others
  const signal = async (name: string): Promise<void> => {
    for (const each of names) {
      await compose("kill", "--signal", name, each);
      const inside = ["exec", "--no-TTY", each, "sh", "-c", `kill -${name} -1`];
      if (name === "CONT") await compose(...inside).catch(() => undefined);
    }
  };
  const all = async (state: string): Promise<boolean> => {
    const those = (await containers()).filter(({ service }) => names.includes(service));
    return names.every((name) => those.some((each) => each.service === name && each.state === state));
  };
  log("programs frozen until their containers are unhealthy (two minutes)");
  for (const each of names)
    await compose("exec", "--no-TTY", each, "sh", "-c", "kill -STOP -1").catch(() => undefined);
  await signal("STOP");
  await waitUntil("all frozen containers are unhealthy", () => all("unhealthy"), STATES_WITHIN_MS);
  await signal("CONT");
  await waitUntil("all containers are healthy again", () => all("healthy"), STATES_WITHIN_MS);
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
      const seen = await allWell(installation, problems);
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
    await git("worktree", "add", "--detach", folder, from ?? "");
    try {
      const images = { COFFEE_IMAGE: `${NAME}-older`, DASHBOARD_IMAGE: `${NAME}-dashboard-older` };
      log(`building ${from}`);
      await docker(["build", "--tag", images.COFFEE_IMAGE, "."], {}, folder);
      await docker(["build", "--tag", images.DASHBOARD_IMAGE, "--target", "dashboard", "."], {}, folder);
      return await withInstallation({ modes }, (newer) =>
        withInstallation({ modes, folder, images }, async (older) => {
          log(`up with ${from}`);
          await older.up();
          const customers = startCustomers(newer, modes);
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
          await customers.stop();
          const seen = [await allWell(newer, problems), await audited(customers, problems)];
          return [...seen, ...(await operate(newer, "reconcile", problems))];
        }),
      );
    } finally {
      await git("worktree", "remove", "--force", folder);
      rmSync(folder, { recursive: true, force: true });
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
