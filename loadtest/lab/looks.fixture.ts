/** A look made up: CPU-seconds and bytes by process, and a backlog. */
import type { Look } from "./sample/sampler.ts";

export const lookAt = (
  atMs: number,
  cpu: Readonly<Record<string, number>>,
  bytes: Readonly<Record<string, number>> = {},
  lag: number | null = null,
): Look => ({
  atMs,
  uses: new Map(
    Object.entries(cpu).map(([name, cpuSeconds]) => [
      name,
      { cpuSeconds, residentBytes: bytes[name] ?? 0, writtenBytes: 0 },
    ]),
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
