import type { Reporter, SerializedError, TestModule } from "vitest/node";

/**
 * Ends the run with the line `N passed, N failed` (and `, N skipped`), alone. What fails outside a test (a file that
 * does not load, a hook, a threshold) counts as a failure, so that the line never reads better than the run was.
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
