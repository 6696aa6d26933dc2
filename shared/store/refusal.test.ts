import { expect, test } from "vitest";
import { explainedRefusal } from "./refusal.ts";
import { RefusedConnection } from "./session.ts";

const config = { user: "coffee" };
const withCode = (code: string, text: string): Error => Object.assign(new Error(text), { code });

test.each([
  [
    "28P01",
    'password authentication failed for user "coffee"',
    'PostgreSQL refuses the password of the user "coffee"',
  ],
  [
    "28000",
    'role "coffee" does not exist',
    'PostgreSQL refuses the user "coffee" ("role "coffee" does not exist")',
  ],
  ["28000", 'no pg_hba.conf entry for host "10.0.0.1", no encryption', "no encryption"],
  ["3D000", 'database "shop" does not exist', 'database "shop" does not exist; create the database'],
  ["42501", 'permission denied for database "shop"', "run GRANT CONNECT ON DATABASE"],
  [
    "08P01",
    "unsupported startup parameter in options: search_path",
    "the pooler rejects a parameter of the URL",
  ],
  ["CERT_HAS_EXPIRED", "certificate has expired", "TLS fails, its certificate has expired"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate", "add sslrootcert=/path/ca.pem to the URL"],
])("%s %s is explained", (code, text, sentence) => {
  const explained = explainedRefusal(withCode(code, text), config);
  expect(explained).toBeInstanceOf(RefusedConnection);
  expect(explained.message).toMatch(/^DATABASE_URL: /);
  expect(explained.message).toContain(sentence);
});

test("a server without TLS is explained", () => {
  const error = new Error("The server does not support SSL connections");
  expect(explainedRefusal(error, config).message).toContain(
    "sslmode asks for TLS, and the server does not offer it",
  );
});

test.each([
  ["42501", "permission denied for function pg_control_system"],
  ["57P03", "the database system is starting up"],
  ["53300", "sorry, too many clients already"],
  ["08P01", "server login failed: FATAL the database system is shutting down"],
  ["ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:5432"],
  ["ENOTFOUND", "getaddrinfo ENOTFOUND postgres"],
])("%s %s is an outage", (code, text) => {
  const error = withCode(code, text);
  expect(explainedRefusal(error, config)).toBe(error);
});
