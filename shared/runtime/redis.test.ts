import { expect, test } from "vitest";
import { MissingRight, OF_A_SCRIPT, openRights, WrongProtocol } from "./redis.ts";

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
  for (const text of ["Command timed out", "WRONGPASS invalid password", "LOADING Redis is loading"])
    await expect(rights.check("read the board", refusing(text))).rejects.toThrow(text);
});

const withCode = (code: string): Error => Object.assign(new Error(code), { code });

test.each([
  [new Error("WRONGPASS invalid username-password pair"), "Redis refuses the user or the password"],
  [
    new Error("Ready check failed: NOAUTH Authentication required."),
    "Redis refuses the user or the password",
  ],
  [new Error("MOVED 866 10.0.0.7:6379"), "the server is part of a Redis Cluster"],
  [new WrongProtocol("the server accepts TLS only"), "the server accepts TLS only"],
  [withCode("ERR_SSL_WRONG_VERSION_NUMBER"), "TLS fails, it does not speak TLS on this port"],
  [
    withCode("SELF_SIGNED_CERT_IN_CHAIN"),
    "TLS fails, its certificate is signed by an authority that is not trusted",
  ],
  [withCode("CERT_HAS_EXPIRED"), "TLS fails, its certificate has expired"],
  [withCode("ERR_TLS_CERT_ALTNAME_INVALID"), "TLS fails, its certificate is for another host name"],
  [new Error(NOPERM), "the Redis user may not select the database"],
])("a connection that fails with %s has a wrong setting, until one was usable", (error, problem) => {
  const rights = openRights("BOARD_REDIS_URL");
  expect(rights.connectErrorOf(error)).toBeInstanceOf(MissingRight);
  expect(rights.connectErrorOf(error).message).toContain(`BOARD_REDIS_URL: ${problem}`);
  rights.connected();
  expect(rights.connectErrorOf(error)).toBe(error);
});

test.each(["connect ECONNREFUSED 127.0.0.1:1", "getaddrinfo ENOTFOUND redis", "connect ETIMEDOUT"])(
  "a connection that fails with %s is retried",
  (text) => {
    const error = new Error(text);
    expect(openRights("BOARD_REDIS_URL").connectErrorOf(error)).toBe(error);
  },
);
