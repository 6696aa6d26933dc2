import { type DestinationStream, type Logger, pino } from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** JSON lines on stdout; readable ones where a person watches a terminal. */
export const openLog = (name: string, level: LogLevel, terminal: boolean): Logger => {
  const options = { name, level, serializers: { err: pino.stdSerializers.err } };
  // Not pino's own asynchronous default: at process.exit its last lines came out of order.
  if (!terminal) return pino(options, pino.destination({ sync: true }));
  return pino({ ...options, transport: { target: "pino-pretty", options: { ignore: "pid,hostname" } } });
};

/** For tests that read what was logged. */
export const logTo = (stream: DestinationStream): Logger => pino({ level: "debug" }, stream);
