import { defineConfig } from "vitest/config";
import CountReporter from "./test/count-reporter.ts";

export default defineConfig({
  test: {
    include: ["shared", "services", "db", "dev", "docs", "loadtest", "test"].map(
      (folder) => `${folder}/**/*.test.ts`,
    ),
    globalSetup: ["test/setup.ts"],
    reporters: ["default", new CountReporter()],
    pool: "forks",
    // two cores are shared with PostgreSQL, Redis and Kafka
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      enabled: true,
      include: ["shared/**/*.ts", "services/**/*.ts", "db/**/*.ts", "dev/**/*.ts"],
      exclude: [
        "**/*.test.ts",
        "**/*.fixture.ts",
        // programs: they run as processes of their own, where this cannot look
        "**/main.ts",
        "dev/start.ts",
        "dev/servers/guard.ts",
        "dev/end-with-parent.ts",
        "dev/bench/**",
        // tests themselves, of the whole system: a few run here, all of them by npm run faults
        "dev/faults/**",
      ],
      reporter: ["text-summary", "json-summary"],
      thresholds: { lines: 85 },
    },
  },
});
