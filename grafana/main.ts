/** npm run dashboards: writes Grafana's JSON from the boards, and the recorded rules from their data. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { boards } from "./boards.ts";
import { jsonOf } from "./build.ts";
import { recordingYaml } from "./rules/recording.ts";
import { RULES_FOLDER } from "./rules.ts";

const folder = join(import.meta.dirname, "dashboards");

mkdirSync(folder, { recursive: true });
for (const board of boards) {
  const file = join(folder, `${board.name}.json`);
  writeFileSync(file, jsonOf(board));
  console.log(`grafana/dashboards/${board.name}.json`);
}
writeFileSync(join(RULES_FOLDER, "recording.yaml"), recordingYaml());
console.log("grafana/rules/recording.yaml");
