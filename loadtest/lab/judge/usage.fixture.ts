/** A fictional sample: CPU-seconds by process, and which of its name it is; bytes; and a backlog. */
import type { Sample } from "../sample/sampler.ts";

export const lookAt = (
  atMs: number,
  cpu: Readonly<Record<string, number | readonly [seconds: number, startedAt: number]>>,
  bytes: Readonly<Record<string, number>> = {},
  lag: number | null = null,
): Sample => ({
  atMs,
  uses: new Map(
    Object.entries(cpu).map(([name, used]) => {
      const [cpuSeconds, startedAt] = typeof used === "number" ? [used, 1] : used;
      return [name, { startedAt, cpuSeconds, residentBytes: bytes[name] ?? 0, writtenBytes: 0 }];
    }),
  ),
  machine: { busy: 0, stolen: 0, all: 0 },
  whole: { busy: 0, stolen: 0, all: 0 },
  hashingSpeed: 400,
  memoryShare: 0.5,
  pages: new Map(
    lag === null ? [] : [["order-api", new Map([['coffee_ingest_lag_orders{mode="v2"}', lag]])]],
  ),
  waits: null,
});
