import { afterAll, describe, expect, test } from "vitest";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { temporaryFolder } from "../launcher.ts";
import { startKafka } from "./kafka.ts";
import { kafkaClassPath } from "./kafka-java.ts";
import { isAlive } from "./process-tree.ts";
import { kafkaIsReady } from "./ready.ts";

const missing = await kafkaClassPath(() => undefined).then(
  () => undefined,
  (reason: Error) => reason.message,
);
const closers = openClosers();
afterAll(() => closers.closeAll());

describe.skipIf(missing !== undefined)(`startKafka ${missing ?? ""}`, () => {
  test("starts on the data of a killed broker from another port", async () => {
    const dataDir = temporaryFolder("coffee-rt-test-", closers);
    const first = await startKafka({ dataDir });
    expect(await kafkaIsReady(first.port)).toBe(true);
    const killed = first.pid();
    await first.kill();
    expect(isAlive(killed)).toBe(false);
    expect(await kafkaIsReady(first.port)).toBe(false);

    const second = await startKafka({ dataDir });
    expect(second.url).toBe(`127.0.0.1:${second.port}`);
    expect(second.port).not.toBe(first.port);
    expect(await kafkaIsReady(second.port)).toBe(true);
    const pid = second.pid();
    await second.stop();
    expect(isAlive(pid)).toBe(false);
  });
});
