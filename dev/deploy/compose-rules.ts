/** What must hold of the compose files, however they are combined: a sentence for each breach. */
import { modes } from "#shared/modes/all.ts";
import { loadModeSettings, loadSettings, variableOf } from "#shared/runtime/config.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { checkKeeps } from "#shared/store/retention.ts";
import { migrationKnobs } from "../../db/migrate.ts";
import { loadApiSettings } from "../../services/order-api/config.ts";
import { workerKnobs } from "../../services/worker/config.ts";
import type { ComposeService } from "../compose-tool.ts";
import { NOT_FOR_COMPOSE } from "./env-example.ts";
import { type Variables, variablesOf } from "./variables.ts";

type Services = Readonly<Record<string, ComposeService>>;

/**
 * What a service is given and its program does not know, and what its program knows and no environment can set. `left`
 * is left at its default.
 */
export const variablesApart = (
  { environment = {}, handedOn = [] }: ComposeService,
  variables: Variables,
  left: readonly string[] = [],
): string[] => {
  const known = Object.keys(variables).filter((name) => !NOT_FOR_COMPOSE.has(name) && !left.includes(name));
  const given = [...Object.keys(environment), ...handedOn];
  return [
    ...given
      .filter((name) => !known.includes(name))
      .map((name) => `is given ${name}, which it does not know`),
    ...known.filter((name) => !given.includes(name)).map((name) => `cannot be given ${name}`),
  ];
};

const refusalOf = (load: () => unknown): string[] => {
  try {
    load();
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
};

/** The health check of the image asks METRICS_PORT where it is given, else the API's own port. */
const workerProblems = (name: string, service: ComposeService): string[] => {
  const mode = modes.find((each) => `worker-${each.name}` === name);
  if (mode === undefined) return ["is a worker of no mode"];
  const { environment = {} } = service;
  return [
    ...variablesApart(service, variablesOf.worker([mode.name])),
    ...refusalOf(() => {
      const own = loadSettings(workerKnobs, environment);
      checkKeeps(own, mode, loadModeSettings(mode, environment));
    }),
    ...(environment["MODE"] === mode.name ? [] : [`counts ${environment["MODE"]}`]),
    ...(environment["METRICS_PORT"] === undefined ? ["is asked for its health on the API's port"] : []),
  ];
};

const apiProblems = (service: ComposeService, chosen: readonly string[]): string[] => {
  const { environment = {}, ports = [] } = service;
  const off = modes
    .filter(({ name }) => !chosen.includes(name))
    .map(({ name }) => variableOf(`${name}Enabled`));
  const refusal = refusalOf(() => loadApiSettings(environment));
  if (refusal.length > 0) return refusal;
  const { settings, enabled } = loadApiSettings(environment);
  const on = enabled.map(({ mode }) => mode.name);
  return [
    // inside its container the port is its own; what is seen from outside is API_PORT
    ...variablesApart(service, variablesOf.api(chosen), [...off, "PORT"]),
    ...(on.join() === chosen.join() ? [] : [`takes orders by ${on.join(", ")}`]),
    ...(ports.some(({ target }) => target === settings.port)
      ? []
      : [`listens on ${settings.port}, which is not handed on`]),
  ];
};

const isOurs = (name: string): boolean =>
  name === "order-api" || name === "migrations" || name.startsWith("worker-");

/** Our image has its own health check. Third-party services need one only if another service depends on them. */
const isAsked = (name: string, { healthcheck, restart }: ComposeService, services: Services): boolean => {
  if (restart === "no") return true;
  if (isOurs(name)) return healthcheck?.disable !== true;
  const isWaitedFor = Object.values(services).some(({ depends_on = {} }) => name in depends_on);
  return !isWaitedFor || (healthcheck?.test?.length ?? 0) > 1;
};

/** A service without a restart policy has done its work when it exits. */
const whenThere = ({ restart }: ComposeService): string =>
  restart === "no" ? "service_completed_successfully" : "service_healthy";

const anyProblems = (name: string, service: ComposeService, services: Services): string[] => {
  const { container_name, ports = [], depends_on = {}, environment = {} } = service;
  return [
    ...(container_name === undefined ? [] : ["has a fixed name, and cannot be scaled"]),
    ...(service.deploy?.resources?.limits?.memory === undefined ? ["has no limit of memory"] : []),
    ...ports
      .filter(({ host_ip }) => host_ip !== "127.0.0.1")
      .map(({ target }) => `opens ${target} to the network`),
    ...(isAsked(name, service, services) ? [] : ["is never asked how it is"]),
    ...Object.entries(depends_on)
      .filter(([other, { condition }]) => {
        const needed = services[other];
        return needed !== undefined && condition !== whenThere(needed);
      })
      .map(([other]) => `does not wait until ${other} is there`),
    ...(isOurs(name) && name !== "migrations" && environment["HOST"] !== "0.0.0.0"
      ? ["listens for itself alone"]
      : []),
  ];
};

const ofProgram = (name: string, service: ComposeService, chosen: readonly string[]): string[] => {
  if (name === "order-api") return apiProblems(service, chosen);
  if (name.startsWith("worker-")) return workerProblems(name, service);
  if (name !== "migrations") return [];
  return [
    ...variablesApart(service, variablesOf.migrations()),
    ...refusalOf(() => loadSettings(migrationKnobs, service.environment ?? {})),
  ];
};

/** Of the services that the files of these modes make. */
export const composeProblems = (services: Services, chosen: readonly string[]): string[] =>
  Object.entries(services).flatMap(([name, service]) =>
    [...ofProgram(name, service, chosen), ...anyProblems(name, service, services)].map(
      (what) => `${name} ${what}`,
    ),
  );
