import { defineConfig } from "vitest/config";
import CountReporter from "./test/count-reporter.ts";

/** A run of some files or of one project does not measure coverage. */
const isWhole = process.argv.slice(2).every((argument) => argument === "run" || argument.startsWith("-"));

const FOLDERS = "{shared,services,db,dev,docs,grafana,test,loadtest}";
const INTEGRATION = `${FOLDERS}/**/*.integration.test.ts`;

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: { name: "integration", include: [INTEGRATION], globalSetup: ["test/setup.ts"] },
      },
      {
        extends: true,
        test: {
          name: "unit",
          include: [`${FOLDERS}/**/*.test.ts`],
          exclude: [INTEGRATION],
          // one process for many files: a third less CPU time
          isolate: false,
          setupFiles: ["test/no-servers.ts"],
          // a connection to these fails with a message that names the host
          provide: {
            postgresUrl: "postgres://unit-tests-have-no-postgresql.invalid/test",
            kafkaBrokers: "unit-tests-have-no-kafka.invalid:9092",
            chromium: null,
          },
        },
      },
    ],
    reporters: ["default", new CountReporter()],
    pool: "forks",
    // more than two cores: with two workers almost half of the time of a run was waiting
    maxWorkers: 3,
    // for tests that hang: a busy machine may need ten times as long as an idle one
    testTimeout: 600_000,
    hookTimeout: 600_000,
    coverage: {
      provider: "v8",
      enabled: isWhole,
      include: ["shared/**/*.ts", "services/**/*.ts", "db/**/*.ts", "dev/**/*.ts", "loadtest/**/*.ts"],
      exclude: [
        "**/*.test.ts",
        "**/*.fixture.ts",
        // programs: they run as separate processes, which are not measured
        "**/main.ts",
        "dev/start.ts",
        "dev/build-dashboard.ts",
        "dev/screenshots/**",
        // the page: it runs in a browser (test/dashboard)
        "services/dashboard/src/parts/**",
        "services/dashboard/src/{chart,connection,dom,history-reader}.ts",
        "dev/system/servers/guard.ts",
        "dev/end-with-parent.ts",
        // tests of the whole system: some run here, all of them by npm run faults
        "dev/faults/**",
        // the parts of npm run check:observability
        ...["check", "alert-faults", "traffic"].map((name) => `dev/observe/${name}.ts`),
        // programs, and what k6 runs
        "loadtest/load.ts",
        "loadtest/k6/scenarios/**",
        // parts of a program, which lab/generators/generator.integration.test.ts verifies by the audit
        "loadtest/node/{main,scenarios}.ts",
        // a run itself, on servers and under load: npm run lab -- self-test spoils some
        "loadtest/lab/run/{child-process,during-load,environment,null-api,remote-system,revisions,run,servers,test-bed}.ts",
        "loadtest/lab/generators/{generator,wrk}.ts",
        "loadtest/lab/{listeners,measures}/**",
        "loadtest/lab/measure-suite.ts",
        "loadtest/lab/judge/self-test.ts",
        "loadtest/lab/sample/{sampler,server-counters}.ts",
      ],
      reporter: ["text-summary", "json-summary"],
      thresholds: { lines: 85 },
    },
  },
});
