/** Files that are made from others: from the programs' typed settings, and the chart's copies of boards and alerts. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { envExample } from "./env-example.ts";
import { valuesSchema } from "./values-schema.ts";

const root = join(import.meta.dirname, "../..");
const CHART = "helm/coffee-rt";

export const madeFiles = (): Readonly<Record<string, string>> => ({
  ".env.example": envExample(),
  [`${CHART}/values.schema.json`]: `${JSON.stringify(valuesSchema(), null, 2)}\n`,
  // helm reads no file outside a chart, and a symbolic link would not survive every checkout
  ...copies("dashboards", ".json"),
  ...copies("rules", ".yaml"),
});

const copies = (folder: string, ending: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(root, "grafana", folder))
      .filter((file) => file.endsWith(ending))
      .map((file) => [
        `${CHART}/${folder}/${file}`,
        readFileSync(join(root, "grafana", folder, file), "utf8"),
      ]),
  );
