import { expect, test } from "vitest";
import { MissingRight, OF_A_SCRIPT, openRights } from "./redis.ts";

const refusing = (text: string) => () => Promise.reject(new Error(text));
const NOPERM = "NOPERM this user has no permissions to run the 'xack' command";

test.each([
  NOPERM,
  // in a script, by Redis 7.0 and from 7.2 on
  "ERR The user executing the script can't run this command or subcommand script: 22c5, on @user_script:19.",
  "ERR ACL failure in script: User w has no permissions to run the 'xtrim' command script: 22c5",
])("rejects with a missing right what was never allowed: %s", async (text) => {
  const rights = openRights("STREAM_REDIS_URL");
  const refused = rights.check("trim the stream", refusing(text));
  await expect(refused).rejects.toThrow(
    `STREAM_REDIS_URL: the Redis user may not trim the stream: "${text}". Grant the rights in docs/deployment.md, "Redis rights".`,
  );
  await expect(refused).rejects.toBeInstanceOf(MissingRight);
});

test("takes a rejected script for an outage once it was allowed by EVAL and by EVALSHA", async () => {
  const rights = openRights("STREAM_REDIS_URL");
  const check = (work: () => Promise<unknown>) => rights.check("trim the stream", work, OF_A_SCRIPT);
  await check(async () => 1);
  await expect(check(refusing(NOPERM))).rejects.toBeInstanceOf(MissingRight);
  await check(async () => 1);
  await expect(check(refusing(NOPERM))).rejects.not.toBeInstanceOf(MissingRight);
  await expect(rights.check("read the stream", refusing(NOPERM))).rejects.toBeInstanceOf(MissingRight);
});

test("takes a rejected command for an outage once it has succeeded", async () => {
  const rights = openRights("BOARD_REDIS_URL");
  await rights.check("read the board", async () => 1);
  await expect(rights.check("read the board", refusing(NOPERM))).rejects.not.toBeInstanceOf(MissingRight);
});

test("returns any other error unchanged", async () => {
  const rights = openRights("BOARD_REDIS_URL");
  for (const text of ["Command timed out", "WRONGPASS invalid password", "LOADING Redis is loading"]) {
    const error = new Error(text);
    expect(rights.errorOf("read the board", error)).toBe(error);
  }
});
