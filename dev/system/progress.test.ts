import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openProgress } from "./progress.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

test("names what is waited for, from the third second on, until there is nothing", async () => {
  const lines: string[] = [];
  const progress = openProgress((line) => lines.push(line));
  const [kafka, redis] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const waits = [
    progress.during("Kafka to start", kafka.promise),
    progress.during("Redis to start", redis.promise),
  ];
  await vi.advanceTimersByTimeAsync(1_900);
  expect(lines).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(lines).toEqual(["waiting for Kafka to start (2 s), Redis to start (2 s)"]);
  redis.resolve("redis");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(lines[1]).toBe("waiting for Kafka to start (7 s)");
  kafka.resolve("kafka");
  expect(await Promise.all(waits)).toEqual(["kafka", "redis"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines).toHaveLength(2);
});

test("what is done at once is not named, and a failure is passed on", async () => {
  const lines: string[] = [];
  const progress = openProgress((line) => lines.push(line));
  await progress.during("PostgreSQL to start", Promise.resolve());
  await expect(progress.during("Kafka to start", Promise.reject(new Error("no Java")))).rejects.toThrow(
    "no Java",
  );
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines).toEqual([]);
});
