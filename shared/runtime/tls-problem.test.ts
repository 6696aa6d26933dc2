import { expect, test } from "vitest";
import { tlsProblem } from "./tls-problem.ts";

const TRUST_BY = "name the authority";
const withCode = (code: string, cause?: Error): Error => Object.assign(new Error(code, { cause }), { code });

test.each([
  ["SELF_SIGNED_CERT_IN_CHAIN", "an authority that is not trusted: name the authority"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "an authority that is not trusted: name the authority"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "an authority that is not trusted: name the authority"],
  ["CERT_HAS_EXPIRED", "has expired"],
  ["CERT_NOT_YET_VALID", "not valid yet"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "another host name"],
  ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "expects a certificate of the client"],
  ["ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE", "expects a certificate of the client"],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "does not trust the authority of the client's certificate"],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "expects a certificate of the client"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "does not speak TLS"],
])("%s is a wrong setting", (code, problem) => {
  expect(tlsProblem(withCode(code), TRUST_BY)).toContain(problem);
  // clients wrap the error of the socket
  expect(tlsProblem(new Error("connection failed", { cause: withCode(code) }), TRUST_BY)).toContain(problem);
});

test.each(["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENOTFOUND", "EPIPE", "57P03"])(
  "%s is an outage",
  (code) => {
    expect(tlsProblem(withCode(code), TRUST_BY)).toBeNull();
  },
);

test("what is no error has no problem", () => {
  for (const value of [null, undefined, "CERT_HAS_EXPIRED", { code: "CERT_HAS_EXPIRED" }])
    expect(tlsProblem(value, TRUST_BY)).toBeNull();
});
