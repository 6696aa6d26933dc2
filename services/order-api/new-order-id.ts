import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

const BYTES = 16;
const POOL_IDS = 256;
const pool = Buffer.alloc(POOL_IDS * BYTES);
let used = pool.length;

/** A new UUIDv7. Its random bytes come from a pool: asked for one at a time they cost more than all the rest of it. */
export const newOrderId = (): string => {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + BYTES);
  used += BYTES;
  return v7({ random });
};
