/** What several checks have in common. Each adds a sentence to `problems` for what does not hold. */
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { docker, type Installation } from "./installation.ts";
import type { Load } from "./load.ts";

/** Services that end when their work is done. */
const DONE_WITH_0: readonly string[] = ["migrations", "kafka-agent"];

/** As `just operate` runs a command; a status that is not 0 is a problem. */
export const operate = async (
  { compose }: Installation,
  command: string,
  problems: string[],
): Promise<readonly string[]> => {
  const program = ["node", "services/operator/main.ts", command];
  try {
    const said = await compose("run", "--rm", "--no-deps", "order-api", ...program);
    return said.split("\n").filter((line) => line !== "");
  } catch (error) {
    problems.push(messageOf(error));
    return [];
  }
};

const isAsWanted = ({ service, state, exitCode }: { service: string; state: string; exitCode: number }) =>
  state === "healthy" || state === "running" || (DONE_WITH_0.includes(service) && exitCode === 0);

export const checkStates = async (installation: Installation, problems: string[]): Promise<string> => {
  const containers = await installation.containers();
  for (const container of containers.filter((each) => !isAsWanted(each)))
    problems.push(`${container.service} is ${container.state}, status ${container.exitCode}`);
  return `${containers.length} containers: ${containers.map(({ service, state }) => `${service} ${state}`).join(", ")}`;
};

export const audited = async (load: Load, problems: string[]): Promise<string> => {
  const { acknowledged, problems: found } = await load.audit();
  problems.push(...found);
  return `${acknowledged} orders acknowledged; audit: ${found.length === 0 ? "none lost, none counted twice" : "differs"}`;
};

export const unnamedVolumes = async (): Promise<string[]> =>
  (await docker(["volume", "ls", "--quiet", "--filter", "label=com.docker.volume.anonymous"]))
    .split("\n")
    .filter((name) => name !== "");

/** `down`, after which the named volumes stay, and nothing else. */
export const down = async (
  { compose }: Installation,
  before: readonly string[],
  problems: string[],
): Promise<void> => {
  await compose("down");
  const left = (await unnamedVolumes()).filter((name) => !before.includes(name));
  if (left.length > 0) problems.push(`${left.length} volumes without a name stay behind`);
};
