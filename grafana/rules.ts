/** The rules as they are written, for whoever has to look at them or to run them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export type Rule = {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
};

export const RULES_FOLDER = join(import.meta.dirname, "rules");
export const RULE_FILES = ["recording.yaml", "alerts.yaml"] as const;

export const readRules = (): readonly Rule[] =>
  RULE_FILES.flatMap((file) => {
    const { groups } = parse(readFileSync(join(RULES_FOLDER, file), "utf8")) as {
      groups: readonly { rules: readonly Rule[] }[];
    };
    return groups.flatMap(({ rules }) => rules);
  });
