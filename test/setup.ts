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
    /** Null where it is not available. */
    chromium: Chromium | null;
  }
}

/** The template of the databases of test files. */
export const TEMPLATE = "coffee_template";

/** One PostgreSQL and one Kafka for all files; each file has its own databases and topics. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = (line: string): void => console.log(line);
  const [postgres, kafka, chromium] = await Promise.all([
    startPostgres({ durable: false }),
    startKafka({ log }),
    // once for all files, because concurrent installations conflict
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

/** Without Chromium the tests of the page are skipped with a message; in CI the run fails. */
const browserFor = async (log: (line: string) => void): Promise<Chromium | null> => {
  try {
    return await findChromium(log);
  } catch (error) {
    if (process.env["CI"]) throw error;
    log(`the page is not tested in a browser: ${messageOf(error)}`);
    return null;
  }
};
