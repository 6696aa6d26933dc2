/** Setup of the unit tests: a test that starts a server fails, and the message names the fix. */
import { vi } from "vitest";

vi.mock(import("../dev/system/servers/process.ts"), async (original) => ({
  ...(await original()),
  launch: () => {
    throw new Error("a unit test cannot start a server: name the file *.integration.test.ts");
  },
}));
