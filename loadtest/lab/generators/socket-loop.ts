/** Closed-loop load over the WebSocket of orders, by a program of its own: as wrk is for HTTP. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Accepted } from "./wrk.ts";

export type SocketLoad = {
  /** Of the WebSocket: ws://…/ws/orders/v2. */
  readonly url: string;
  /** One order in JSON, without an id. */
  readonly body: string;
  readonly connections: number;
  /** Orders without a result, of each connection. */
  readonly inFlight: number;
  readonly seconds: number;
  /** Refusals do not fail it. */
  readonly mayRefuse?: boolean;
};

/** What the program prints. */
export type SocketLoopResult = Accepted & { readonly refused: number; readonly firstProblem: string | null };

const PROGRAM = join(import.meta.dirname, "socket-loop-program.ts");
const run = promisify(execFile);

/** Throws when an order was refused, or got no result. */
export const driveSockets = async (
  load: SocketLoad,
  onStart: (pid: number) => void = () => undefined,
): Promise<Accepted> => {
  const running = run(process.execPath, [PROGRAM, JSON.stringify(load)]);
  onStart(running.child.pid ?? 0);
  const { stdout } = await running;
  const { refused, firstProblem, ...accepted } = JSON.parse(stdout) as SocketLoopResult;
  if (refused > 0 && !load.mayRefuse)
    throw new Error(
      `${load.url}: ${refused} orders were refused (${firstProblem}), ${accepted.requests} accepted; the round is void`,
    );
  return accepted;
};
