import { format } from "node:util";
import { type DestinationStream, type Logger, pino, type SerializedError } from "pino";

/**
 * The text without the password of any address in it. An address is split at its last @, because a password may contain
 * one; a quote ends it, because whole lines of JSON are searched.
 */
export const withoutPasswords = (text: string): string =>
  text.replace(/:\/\/([^:@/\s"]*):[^\s"]*@/g, "://$1:***@");

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** JSON lines on stdout; human-readable ones on a terminal. */
export const openLog = (name: string, level: LogLevel, terminal: boolean): Logger => {
  const options = { name, level, ...pinoOptions };
  // Not pino's own asynchronous default: at process.exit its last lines came out of order.
  if (!terminal) return pino(options, pino.destination({ sync: true }));
  return pino({ ...options, transport: { target: "pino-pretty", options: { ignore: "pid,hostname" } } });
};

/** Limit on distinct texts: they may hold addresses and errors. Further ones are dropped. */
const MAX_TEXTS = 100;

/** Libraries print warnings with console, on every connection: from now on each distinct text is logged once. */
export const logConsole = (log: Logger): void => {
  const seen = new Set<string>();
  const warn = (...parts: unknown[]): void => {
    const text = format(...parts);
    if (seen.has(text) || seen.size >= MAX_TEXTS) return;
    seen.add(text);
    log.warn({ from: "console" }, text);
    if (seen.size === MAX_TEXTS) log.warn({ from: "console" }, "further console output is dropped");
  };
  console.warn = warn;
  console.error = warn;
};

/** For tests that read the log. */
export const logTo = (stream: DestinationStream): Logger => pino({ level: "debug", ...pinoOptions }, stream);

/**
 * The members of an error that are logged besides its message: those by which PostgreSQL names what it rejected. ioredis
 * attaches the rejected command, and if the server does not know the password, that is AUTH with the password.
 */
const LOGGED_MEMBERS = ["code", "severity", "syscall", "constraint", "schema", "table", "column", "routine"];

const serialized = (error: Error): object => {
  const { type, message, stack, ...rest } = pino.stdSerializers.err(error) as SerializedError;
  return {
    type,
    message,
    stack,
    ...Object.fromEntries(
      Object.entries(rest).filter(([name, value]) => LOGGED_MEMBERS.includes(name) && value !== undefined),
    ),
  };
};

const pinoOptions = {
  serializers: { err: (error: unknown): unknown => (error instanceof Error ? serialized(error) : error) },
  // applied to every line, so no member can contain a password
  hooks: { streamWrite: withoutPasswords },
};
