import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderForFile } from "../../../test/temporary.ts";
import { optionsFrom } from "./command-line.ts";
import { EXPORTS } from "./exports.fixture.ts";
import { money } from "./output.ts";
import { surveyOf } from "./survey.ts";
import { sumOf } from "./totals.ts";

const folder = folderForFile();

test.each(EXPORTS)(
  "reads $till",
  async ({ till, lines, args = [], total, orders, leftOut = {}, notes = [] }) => {
    const path = join(folder, `${till.replaceAll(/\W/g, "-").slice(0, 60)}.csv`);
    await writeFile(path, `${lines.join("\r\n")}\r\n`);
    const survey = await surveyOf(optionsFrom([path, ...args]));
    const reasons = Object.fromEntries([...survey.leftOut].map(([reason, found]) => [reason, found.orders]));
    expect(survey.bad).toEqual([]);
    expect({ total: money(sumOf(survey.totals).cents), orders: survey.rows.length, reasons }).toEqual({
      total,
      orders,
      reasons: leftOut,
    });
    for (const note of notes) expect(survey.notes.join("\n")).toContain(note);
  },
);
