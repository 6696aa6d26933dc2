import { expect, test } from "vitest";
import { lossIn } from "./rate-run.ts";

test.each([
  ["all of them", 100, []],
  ["those without a reply too", 103, []],
  ["one less", 99, ["1 orders were acknowledged and are not stored"]],
  ["one that was not sent", 104, ["1 more orders are stored than were sent"]],
])(
  "compares 100 acknowledged orders and 3 without a reply with what is stored: %s",
  (_what, stored, problems) => {
    expect(lossIn({ stored, acknowledged: 100, unknown: 3 })).toEqual({
      lost: Math.max(0, 100 - stored),
      problems,
    });
  },
);
