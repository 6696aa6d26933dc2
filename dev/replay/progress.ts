/**
 * How far it is: a bar on a terminal, a line every few seconds elsewhere.
 */
import cliProgress from "cli-progress";
import { count } from "./figures.ts";

export type Meter = { stop(): void };

const BAR_EVERY_MS = 200;
const LINE_EVERY_MS = 5_000;
/** The bar stays on one line of a wide terminal. */
const MOST_TROUBLE = 70;

/** Shows what `read` says until it is stopped. */
export const startMeter = (
  what: "sent" | "counted",
  total: number,
  output: NodeJS.WriteStream,
  read: () => { readonly done: number; readonly trouble: string | null },
): Meter => {
  const startedMs = Date.now();
  const rate = (done: number): number => Math.round((done * 1_000) / Math.max(1, Date.now() - startedMs));
  return output.isTTY
    ? startBar(what, total, output, read, rate)
    : startLines(what, total, output, read, rate);
};

type Read = Parameters<typeof startMeter>[3];
type Rate = (done: number) => number;

const startBar = (what: string, total: number, output: NodeJS.WriteStream, read: Read, rate: Rate): Meter => {
  const bar = new cliProgress.SingleBar({
    format: "{what} {bar} {percentage}% | {value}/{total} | {rate}/s | {eta_formatted} left {trouble}",
    barCompleteChar: "#",
    barIncompleteChar: ".",
    barsize: 24,
    etaBuffer: 50,
    hideCursor: true,
    stream: output,
  });
  const payload = (done: number, trouble: string | null) => ({
    what: what.padEnd(7),
    rate: rate(done),
    trouble: trouble ? `| ${trouble.slice(0, MOST_TROUBLE)}` : "",
  });
  const draw = (): void => {
    const { done, trouble } = read();
    bar.update(done, payload(done, trouble));
  };
  bar.start(total, 0, payload(0, null));
  const timer = setInterval(draw, BAR_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      draw();
      bar.stop();
    },
  };
};

const startLines = (
  what: string,
  total: number,
  output: NodeJS.WriteStream,
  read: Read,
  rate: Rate,
): Meter => {
  const write = (): void => {
    const { done, trouble } = read();
    const perSecond = rate(done);
    const left = perSecond > 0 ? `, ${count(Math.ceil((total - done) / perSecond))} s left` : "";
    output.write(
      `${what} ${count(done)} of ${count(total)}, ${count(perSecond)}/s${left}${trouble ? `; ${trouble.slice(0, MOST_TROUBLE)}` : ""}\n`,
    );
  };
  const timer = setInterval(write, LINE_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      write();
    },
  };
};
