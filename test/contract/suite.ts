/**
 * The contract of shared/ports.ts, which every mode keeps. Its tests kill the servers, so these belong to the suite.
 */
import { afterEach, beforeEach, describe, test } from "vitest";
import type { Mode } from "#shared/ports.ts";
import { countingClauses } from "./counting.ts";
import { failureClauses } from "./failures.ts";
import { type Backends, type ModeUnderTest, openModeUnderTest } from "./mode-under-test.ts";

/** Defines the tests of one mode; `backends` is called once they run. */
export const describeContract = (mode: Mode, backends: () => Backends): void => {
  describe(`${mode.name} (${mode.title})`, () => {
    let subject: ModeUnderTest;
    beforeEach(async () => {
      subject = await openModeUnderTest(mode, backends());
    });
    afterEach(() => subject.close());
    for (const { title, holds } of [...countingClauses, ...failureClauses])
      test(title, () => holds({ subject, mode, backend: backends().backend }));
  });
};
