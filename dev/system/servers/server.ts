/**
 * One real server: a process of this machine, a container, or an external server (only its address is known, and every
 * method that would stop or disturb it throws). The caller that started it stops it.
 */
export type Server = {
  /** "postgres" | "redis-board" | "redis-stream" | "kafka" */
  name: string;
  /** postgres://postgres@127.0.0.1:PORT/postgres, redis://127.0.0.1:PORT, or for Kafka 127.0.0.1:PORT */
  url: string;
  port: number;
  /** Someone else runs it. */
  isGiven?: true;
  /** Of the server itself, not of what guards it. Throws while it is down. */
  pid(): number;
  /** Clean and idempotent; the port and the data stay reserved for `start`, unless the data was temporary. */
  stop(): Promise<void>;
  /** SIGKILL to the server with its children; resolves once they are gone. Nothing restarts it. */
  kill(): Promise<void>;
  /** Stops the server with its children from running: it keeps its connections and answers nothing. Resolves once it does. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** After kill() or stop(): the same port and the same data; resolves once it answers real requests. */
  start(): Promise<void>;
  /** Called when it ended unasked, by neither stop() nor kill(). */
  onExit(callback: () => void): void;
};

/** The argument of guard.ts: one server. Its own variables are in the guard's environment. */
export type Guarded = {
  name: string;
  command: string;
  args: string[];
  /** Holds the server's data, its log (`server.log`) and `server.pid`. */
  folder: string;
  user?: { uid: number; gid: number };
  stopSignal: "SIGINT" | "SIGTERM";
  stopWithinMs: number;
  /** How long an earlier server of this folder may take to end. */
  earlierWithinMs: number;
  /** Remove the folder after a stop that was asked for. A crash leaves it, to be started again. */
  temporary: boolean;
};

/** Holds the server's variables as JSON: they may hold passwords, and every user can read the arguments of a process. */
export const SERVER_ENVIRONMENT = "COFFEE_RT_SERVER_ENVIRONMENT";
