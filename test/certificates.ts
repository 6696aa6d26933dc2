/** Certificates of our own for a test's servers, made by openssl: an authority, and what it has signed for this machine. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { giveToServerUser } from "../dev/system/servers/data-dir.ts";

export type Certificates = {
  readonly folder: string;
  /** What a client has to trust. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  /** Key and certificate in one file, as Kafka wants them. */
  readonly both: string;
  remove(): void;
};

const DAYS = "2";
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export const makeCertificates = (): Certificates => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "coffee-rt-certificates-"));
  // the servers run as another user
  chmodSync(folder, 0o755);
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  };
  openssl(
    "req",
    "-x509",
    ...NEW_KEY,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    DAYS,
    "-subj",
    "/CN=a test",
  );
  openssl("req", ...NEW_KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost");
  writeFileSync(at("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  const signedBy = [
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    DAYS,
    "-extfile",
    "names",
  ];
  openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", ...signedBy);
  writeFileSync(
    at("both.pem"),
    readFileSync(at("server.key"), "utf8") + readFileSync(at("server.pem"), "utf8"),
  );
  for (const name of ["server.key", "server.pem", "both.pem"]) {
    chmodSync(at(name), 0o600);
    giveToServerUser(at(name));
  }
  chmodSync(at("ca.pem"), 0o644);
  return {
    folder,
    authority: at("ca.pem"),
    certificate: at("server.pem"),
    key: at("server.key"),
    both: at("both.pem"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
};
