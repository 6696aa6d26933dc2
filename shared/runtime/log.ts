import { format } from "node:util";
import { type DestinationStream, type Logger, pino, type SerializedError } from "pino";

/**
 * The text without the password of any address in it. An address is split at its last @, so that a password may hold
 * one; a quote ends it, since whole lines of JSON are looked at.
 */
export const withoutPasswords = (text: string): string =>
  text.replace(/:\/\/([^:@/\s"]*):[^\s"]*@/g, "://$1:***@");

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** JSON lines on stdout; readable ones where a person watches a terminal. */
export const openLog = (name: string, level: LogLevel, terminal: boolean): Logger => {
  const options = { name, level, ...manners };
  // Not pino's own asynchronous default: at process.exit its last lines came out of order.
  if (!terminal) return pino(options, pino.destination({ sync: true }));
  return pino({ ...options, transport: { target: "pino-pretty", options: { ignore: "pid,hostname" } } });
};

/** Limit on distinct texts: they may hold addresses and errors. Further ones are dropped. */
const MOST_TEXTS = 100;

/** Libraries print warnings with console, on every connection: from now on each text is logged, once. */
export const logConsole = (log: Logger): void => {
  const seen = new Set<string>();
  const warn = (...parts: unknown[]): void => {
    const text = format(...parts);
    if (seen.has(text) || seen.size >= MOST_TEXTS) return;
    seen.add(text);
    log.warn({ from: "console" }, text);
    if (seen.size === MOST_TEXTS) log.warn({ from: "console" }, "further console output is dropped");
  };
  console.warn = warn;
  console.error = warn;
};

/** For tests that read what was logged. */
export const logTo = (stream: DestinationStream): Logger => pino({ level: "debug", ...manners }, stream);

/**
 * What an error says, and of what hangs on it these alone, by which PostgreSQL names what it refused. ioredis hangs the
 * refused command there, and where the server does not know the password, that is AUTH with the password.
 */
const TOLD = ["code", "severity", "syscall", "constraint", "schema", "table", "column", "routine"];

const told = (error: Error): object => {
  const { type, message, stack, ...rest } = pino.stdSerializers.err(error) as SerializedError;
  return {
    type,
    message,
    stack,
    ...Object.fromEntries(
      Object.entries(rest).filter(([name, value]) => TOLD.includes(name) && value !== undefined),
    ),
  };
};

const manners = {
  serializers: { err: (error: unknown): unknown => (error instanceof Error ? told(error) : error) },
  // whatever is written, in whichever member it stands
  hooks: { streamWrite: withoutPasswords },
};
