import pg from "pg";
import type { TestProject } from "vitest/node";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { migrate } from "../db/migrate.ts";
import { type Chromium, findChromium } from "../dev/screenshots/browser.ts";
import { startKafka } from "../dev/system/servers/kafka.ts";
import { startPostgres } from "../dev/system/servers/postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgresUrl: string;
    kafkaBrokers: string;
    /** Null where none can be had. */
    chromium: Chromium | null;
  }
}

/** What test files copy their databases from. */
export const TEMPLATE = "coffee_template";

/** One PostgreSQL and one Kafka for all files; each file makes its own database and topics there. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = (line: string): void => console.log(line);
  const [postgres, kafka, chromium] = await Promise.all([
    startPostgres({ durable: false }),
    startKafka({ log }),
    // once for all files: several at a time would be in each other's way
    browserFor(log),
  ]);
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${TEMPLATE}`);
  const template = new URL(postgres.url);
  template.pathname = TEMPLATE;
  await migrate(template.href, log);
  await admin.query(`ALTER DATABASE ${TEMPLATE} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  await admin.end();
  project.provide("postgresUrl", postgres.url);
  project.provide("kafkaBrokers", kafka.url);
  project.provide("chromium", chromium);
  return async () => {
    await Promise.all([postgres.stop(), kafka.stop()]);
  };
}

/** Where there is none the page's tests are left out, and say so; not where everything has to be tested. */
const browserFor = async (log: (line: string) => void): Promise<Chromium | null> => {
  try {
    return await findChromium(log);
  } catch (error) {
    if (process.env["CI"]) throw error;
    log(`the page is not tested in a browser: ${messageOf(error)}`);
    return null;
  }
};
