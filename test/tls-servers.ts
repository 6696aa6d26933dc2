/** Servers that accept TLS besides their plain ports, with a user and a password. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import pg from "pg";
import { migrate } from "../db/migrate.ts";
import { giveToServerUser } from "../dev/system/servers/data-dir.ts";
import { startKafka } from "../dev/system/servers/kafka.ts";
import { freePort } from "../dev/system/servers/ports.ts";
import { startPostgres } from "../dev/system/servers/postgres.ts";
import { startRedis } from "../dev/system/servers/redis.ts";

/** Letters and digits: it is part of URLs, and the output of the programs is searched for it. */
export const PASSWORD = "s3cretOfTheTest";

export type TlsServers = {
  readonly certificates: Certificates;
  /** Variables of the programs: every server by TLS, with the user and the password. */
  readonly env: Readonly<Record<string, string>>;
  /** Without TLS, to inspect the servers. */
  readonly plain: {
    readonly postgres: string;
    readonly redis: readonly { readonly url: string; readonly tlsPort: number }[];
  };
  stop(): Promise<void>;
};

const startTlsRedis = async (role: "board" | "stream", { certificate, key, authority }: Certificates) => {
  const tlsPort = await freePort();
  const settings = {
    "tls-port": String(tlsPort),
    "tls-cert-file": certificate,
    "tls-key-file": key,
    "tls-ca-cert-file": authority,
    "tls-auth-clients": "no",
  };
  const server = await startRedis({ name: `redis-${role}`, role, settings });
  const client = new Redis(server.url);
  await client.call("ACL", "SETUSER", "coffee", "on", `>${PASSWORD}`, "~*", "&*", "+@all");
  await client.quit();
  return { server, tlsPort, url: `rediss://coffee:${PASSWORD}@127.0.0.1:${tlsPort}` };
};

const startTlsPostgres = async ({ folder, certificate, key }: Certificates) => {
  // as managed services have it: by TLS and with a password; postgres is for the tests themselves
  const rules = join(folder, "pg_hba.conf");
  writeFileSync(rules, "host all postgres all trust\nhostssl all all all scram-sha-256\n");
  giveToServerUser(rules);
  const settings = { ssl: "on", ssl_cert_file: certificate, ssl_key_file: key, hba_file: rules };
  const server = await startPostgres({ durable: false, settings });
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`CREATE ROLE coffee LOGIN SUPERUSER PASSWORD '${PASSWORD}'`);
  await admin.end();
  await migrate(server.url, () => undefined);
  const query = "sslmode=verify-full";
  return { server, url: `postgres://coffee:${PASSWORD}@127.0.0.1:${server.port}/postgres?${query}` };
};

const startTlsKafka = async ({ both }: Certificates) => {
  const port = await freePort();
  const server = await startKafka({
    listeners: [{ name: "TLS", port, advertisedPort: port, protocol: "SSL" }],
    settings: {
      "listener.name.tls.ssl.keystore.type": "PEM",
      "listener.name.tls.ssl.keystore.location": both,
    },
  });
  return { server, url: `kafka+ssl://127.0.0.1:${port}` };
};

export const startTlsServers = async (): Promise<TlsServers> => {
  const certificates = makeCertificates();
  const [postgres, board, stream, kafka] = await Promise.all([
    startTlsPostgres(certificates),
    startTlsRedis("board", certificates),
    startTlsRedis("stream", certificates),
    startTlsKafka(certificates),
  ]);
  return {
    certificates,
    env: {
      DATABASE_URL: postgres.url,
      BOARD_REDIS_URL: board.url,
      STREAM_REDIS_URL: stream.url,
      KAFKA_BROKERS: kafka.url,
    },
    plain: {
      postgres: postgres.server.url,
      redis: [board, stream].map(({ server, tlsPort }) => ({ url: server.url, tlsPort })),
    },
    stop: async () => {
      await Promise.all([postgres, board, stream, kafka].map(({ server }) => server.stop()));
      certificates.remove();
    },
  };
};

/** An authority and a certificate for this machine, made by openssl. */
export type Certificates = {
  readonly folder: string;
  /** Trusted by clients. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  /** Key and certificate in one file, for Kafka. */
  readonly both: string;
  remove(): void;
};

const DAYS = "2";
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export const makeCertificates = (names = "DNS:localhost,IP:127.0.0.1", days = DAYS): Certificates => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "coffee-rt-certificates-"));
  // the servers run as another user
  chmodSync(folder, 0o755);
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  };
  const authority = "req -x509 -keyout ca.key -out ca.pem -subj /CN=test-authority -days".split(" ");
  openssl(...authority, DAYS, ...NEW_KEY);
  openssl("req", ...NEW_KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost");
  writeFileSync(at("names"), `subjectAltName=${names}\n`);
  const signing =
    "x509 -req -in server.csr -out server.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names";
  openssl(...signing.split(" "), "-days", days);
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
