import { chmodSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startKafka } from "./kafka.ts";
import { kafkaClassPath } from "./kafka-java.ts";
import { isAlive } from "./process-tree.ts";
import { kafkaIsReady } from "./ready.ts";

const missing = await kafkaClassPath(() => undefined).then(
  () => undefined,
  (reason: Error) => reason.message,
);
const dataDir = mkdtempSync(join(realpathSync(tmpdir()), "coffee-rt-test-"));
chmodSync(dataDir, 0o755);
afterAll(() => rmSync(dataDir, { recursive: true }));

describe.skipIf(missing !== undefined)(`startKafka ${missing ?? ""}`, () => {
  test("answers after kill -9 on the same port, and on the same data from another port", async () => {
    const first = await startKafka({ dataDir });
    const before = first.pid();
    await first.kill();
    expect(isAlive(before)).toBe(false);
    expect(await kafkaIsReady(first.port)).toBe(false);
    await first.start();
    expect(await kafkaIsReady(first.port)).toBe(true);
    await first.stop();

    const second = await startKafka({ dataDir });
    expect(second.url).toBe(`127.0.0.1:${second.port}`);
    expect(second.port).not.toBe(first.port);
    const pid = second.pid();
    await second.stop();
    expect(isAlive(pid)).toBe(false);
  });
});
