/**
 * How fast the machine is just now, by a fixed piece of work on one core: a virtual machine's neighbours take from it
 * what no process here shows. It stands with every run, so that whoever compares two runs sees whether they had the
 * same machine.
 */
import { createHash } from "node:crypto";
import { rounded } from "./looks.ts";

const FOR_MS = 60;
const BLOCK = Buffer.alloc(64 * 1024, 7);
const BYTES_PER_MEGABYTE = 1e6;

/** SHA-256 over memory that stays in the cache, in MB/s; blocks for 60 ms. */
export const hashingSpeed = (): number => {
  const startedMs = performance.now();
  let bytes = 0;
  let tookMs = 0;
  do {
    createHash("sha256").update(BLOCK).digest();
    bytes += BLOCK.length;
    tookMs = performance.now() - startedMs;
  } while (tookMs < FOR_MS);
  return rounded(bytes / BYTES_PER_MEGABYTE / (tookMs / 1_000), 1);
};
