/**
 * How fast the machine is just now, by a fixed piece of work: a virtual machine's neighbours take from it what no process
 * here shows. It stands with every run, so that whoever compares two runs sees whether they had the same machine.
 */
import { createHash } from "node:crypto";

const BLOCK = Buffer.alloc(64 * 1_024, 7);
/** Some two milliseconds: the load generator runs on the same core. */
const BLOCKS = 10;
/** Bytes by microseconds are megabytes by seconds. */
export const hashingSpeed = (): number => {
  const before = process.cpuUsage();
  for (let count = 0; count < BLOCKS; count++) createHash("sha256").update(BLOCK).digest();
  const { user, system } = process.cpuUsage(before);
  return (BLOCKS * BLOCK.length) / Math.max(1, user + system);
};
