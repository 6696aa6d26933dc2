/** Which variables the programs take, from their typed settings: what compose, the chart and .env.example are held to. */
import type { TSchema } from "typebox";
import { modes } from "#shared/modes/all.ts";
import { variableOf } from "#shared/runtime/config.ts";
import { serverVariables } from "#shared/servers.ts";
import { migrationKnobs } from "../../db/migrate.ts";
import { apiKnobs, switchKnobs } from "../../services/order-api/config.ts";
import { workerKnobs } from "../../services/worker/config.ts";

/** By the name of the variable. */
export type Variables = Readonly<Record<string, TSchema>>;

const variablesIn = (...knobs: { readonly properties: Record<string, TSchema> }[]): Variables =>
  Object.fromEntries(
    knobs.flatMap(({ properties }) =>
      Object.entries(properties).map(([knob, schema]) => [variableOf(knob), schema]),
    ),
  );

/** Everything that a program takes, with the settings of these modes. */
export const variablesOf = {
  api: (of: readonly string[]): Variables => variablesIn(apiKnobs, switchKnobs, ...knobsOf(of)),
  worker: (of: readonly string[]): Variables => variablesIn(workerKnobs, ...knobsOf(of)),
  migrations: (): Variables => variablesIn(migrationKnobs),
};

const knobsOf = (names: readonly string[]) =>
  modes.filter(({ name }) => names.includes(name)).map(({ knobs }) => knobs);

/**
 * What a deployment says itself, because it follows from how it is put together: addresses, ports, switches, the
 * path of a mounted file. All others are for the operator.
 */
const BY_THE_DEPLOYMENT = new Set([
  "HOST",
  "PORT",
  "METRICS_PORT",
  "MODE",
  ...serverVariables,
  "CATALOGUE_FILE",
  ...Object.keys(variablesIn(switchKnobs)),
]);

const settable = (variables: Variables): Variables =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => !BY_THE_DEPLOYMENT.has(name)));

/** For the operator, under the part that reads them. A mode's go to the API and to the mode's workers. */
export const settings: Readonly<Record<string, Variables>> = {
  orderApi: settable(variablesIn(apiKnobs)),
  workers: settable(variablesIn(workerKnobs)),
  migrations: settable(variablesIn(migrationKnobs)),
  ...Object.fromEntries(modes.map(({ name, knobs }) => [name, settable(variablesIn(knobs))])),
};
export const modeNames: readonly string[] = modes.map(({ name }) => name);
