/** Files of the repository that are made from the programs' typed settings; a test holds them to it. */
import { envExample } from "./env-example.ts";
import { valuesSchema } from "./values-schema.ts";

export const madeFiles = (): Readonly<Record<string, string>> => ({
  ".env.example": envExample(),
  "helm/coffee-rt/values.schema.json": `${JSON.stringify(valuesSchema(), null, 2)}\n`,
});
