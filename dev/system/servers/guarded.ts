/** What a guard is told: one server, as the guard's argument, and the server's own variables, in the guard's environment. */
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

/** As JSON: they may hold passwords, and the arguments of a process are everybody's to read. */
export const SERVER_ENVIRONMENT = "COFFEE_RT_SERVER_ENVIRONMENT";
