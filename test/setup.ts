import pg from "pg";
import type { TestProject } from "vitest/node";
import { migrate } from "../db/migrate.ts";
import { startKafka } from "../dev/servers/kafka.ts";
import { startPostgres } from "../dev/servers/postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgresUrl: string;
    kafkaBrokers: string;
  }
}

/** What test files copy their databases from. */
export const TEMPLATE = "coffee_template";

/** One PostgreSQL and one Kafka for all files; each file makes its own database and topics there. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = (line: string): void => console.log(line);
  const [postgres, kafka] = await Promise.all([startPostgres({ durable: false }), startKafka({ log })]);
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
  return async () => {
    await Promise.all([postgres.stop(), kafka.stop()]);
  };
}
