import type { Reporter, SerializedError, TestModule } from "vitest/node";

/**
 * Prints `N passed, N failed` (and `, N skipped`) as the last line. A failure outside a test (a file that does not load,
 * a hook, a threshold) counts as a failed test.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    for (const module of modules) {
      const states = [...module.children.allTests()].map((test) => test.result().state);
      const failures = states.filter((state) => state === "failed").length;
      passed += states.filter((state) => state === "passed").length;
      skipped += states.filter((state) => state === "skipped" || state === "pending").length;
      failed += failures;
      if (!module.ok() && failures === 0) failed++;
    }
    process.once("exit", (code) => {
      if (code !== 0 && failed === 0) failed = 1;
      process.stdout.write(
        `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`,
      );
    });
  }
}
