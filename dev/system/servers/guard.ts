// Runs ONE server in a process of its own, so that the server ends cleanly however our program ended: the guard's
// stdin is a pipe from the program, and the kernel closes it even after kill -9. The guard lives in its own session,
// so a terminal's Ctrl-C reaches the program, which then stops its servers in order, and not the servers themselves.
//
//   node guard.ts '<Guarded as JSON>'      stdout: {"pid":n} once started, or {"error":"..."}
//
// It also waits for an earlier server of the same folder: after kill -9 of a program its servers need a moment to shut
// down, and the next start must not open their data meanwhile.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fingerprint, isSameProcess, killTree, signal, thaw } from "./process-tree.ts";
import { type Guarded, SERVER_ENVIRONMENT } from "./server.ts";

const server = JSON.parse(process.argv[2] ?? "{}") as Guarded;
const { [SERVER_ENVIRONMENT]: own = "{}", ...inherited } = process.env;
const pidFile = join(server.folder, "server.pid");
let stopRequested = false;
let stopServer = () => undefined;
const stop = () => {
  if (stopRequested) return;
  stopRequested = true;
  stopServer();
};
const report = (message: { pid: number } | { error: string }) =>
  process.stdout.write(`${JSON.stringify(message)}\n`);

const earlierPid = () => {
  try {
    return readFileSync(pidFile, "utf8");
  } catch {
    return "";
  }
};

/**
 * One guard a folder. The name of an abstract socket is freed by the kernel with its process, so it can neither go
 * stale nor be taken over by two at once, as a lock file can.
 */
const takeFolder = () =>
  new Promise<boolean>((resolve) => {
    const hash = createHash("sha256").update(server.folder).digest("hex").slice(0, 32);
    createServer()
      .once("error", () => resolve(false))
      .listen(`\0coffee-rt-guard-${hash}`, () => resolve(true))
      .unref();
  });

const waitForEarlierServer = async () => {
  const until = Date.now() + server.earlierWithinMs;
  let orphanSignalled = false;
  for (; Date.now() < until && !stopRequested; await sleep(50)) {
    if (!(await takeFolder())) continue;
    // Its guard was killed: only this process can stop it.
    for (; Date.now() < until && isSameProcess(earlierPid()); await sleep(50)) {
      const pid = Number(earlierPid().split(" ")[0]);
      if (!orphanSignalled) {
        orphanSignalled = true;
        thaw(pid);
        signal(pid, server.stopSignal);
      }
    }
    if (!isSameProcess(earlierPid())) return;
  }
  const pid = earlierPid().split(" ")[0];
  throw new Error(
    `${server.name} is already running on ${server.folder} (process ${pid}) and did not end within ` +
      `${server.earlierWithinMs / 1000} s; end that process first`,
  );
};

const end = (code: number) => {
  if (stopRequested && server.temporary) rmSync(server.folder, { recursive: true, force: true });
  process.exit(code);
};

const run = () => {
  const log = openSync(join(server.folder, "server.log"), "a");
  const child = spawn(server.command, server.args, {
    cwd: server.folder,
    env: { ...inherited, ...(JSON.parse(own) as Record<string, string>) },
    stdio: ["ignore", log, log],
    ...server.user,
  });
  child.once("error", (error) => {
    report({ error: `${server.command} cannot be run: ${error.message}` });
    end(1);
  });
  child.once("exit", (code) => end(stopRequested ? 0 : (code ?? 1)));
  const pid = child.pid;
  if (pid === undefined) return;
  stopServer = () => {
    thaw(pid); // a paused server would sleep through its signal
    signal(pid, server.stopSignal);
    setTimeout(() => killTree(pid), server.stopWithinMs).unref();
  };
  try {
    writeFileSync(pidFile, fingerprint(pid));
  } catch (error) {
    // a full disk: a server that no later run can find or stop must not keep running
    killTree(pid);
    throw error;
  }
  report({ pid });
};

process.stdout.on("error", () => undefined); // the program is gone: stdin says so too, and decides
process.stdin.once("end", stop).once("error", stop).resume();
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, stop);
try {
  await waitForEarlierServer();
  if (stopRequested) end(0);
  run();
} catch (error) {
  report({ error: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
  process.stdin.destroy();
}
