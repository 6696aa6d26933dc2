/** Why a TLS connection cannot come about with the present settings, as opposed to a server that is down. */

/** Trust: which certificate authorities a client accepts. */
const UNTRUSTED = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_UNTRUSTED",
  "CERT_SIGNATURE_FAILURE",
]);

const PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED:
    "its certificate has expired: renew the server's certificate, or correct this machine's clock",
  CERT_NOT_YET_VALID: "its certificate is not valid yet: correct the clock of this machine or of the server",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "its certificate is for another host name: use a name that the certificate has, or renew the certificate with this one",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS on this port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS on this port",
};

/** By the alert that the server sends about the client's certificate; versions of OpenSSL put other words before it. */
const ALERTS: Readonly<Record<string, string>> = {
  CERTIFICATE_REQUIRED: "it expects a certificate of the client",
  BAD_CERTIFICATE: "it expects a certificate of the client, or another one",
  UNKNOWN_CA: "it does not trust the authority of the client's certificate",
  CERTIFICATE_UNKNOWN: "it does not accept the client's certificate",
  CERTIFICATE_EXPIRED: "the client's certificate has expired",
};

/**
 * The problem as the end of a sentence about the server; null when the error proves nothing about the settings.
 * `trustBy` says how to trust an authority.
 */
export const tlsProblem = (error: unknown, trustBy: string): string | null => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code !== "string") continue;
    if (UNTRUSTED.has(code))
      return `its certificate is signed by an authority that is not trusted: ${trustBy}`;
    const problem = PROBLEMS[code] ?? ALERTS[/_ALERT_(\w+)$/.exec(code)?.[1] ?? ""];
    if (problem !== undefined) return problem;
  }
  return null;
};
