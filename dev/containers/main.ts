/** npm run check:containers: the images and the compose files, really run by the Docker engine of this machine. */
import { parseArgs } from "node:util";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { runChecks } from "../checks.ts";
import { checksOf } from "./checks.ts";
import { buildImages } from "./image.ts";
import { docker } from "./installation.ts";

const USAGE = `npm run check:containers                       every check; a quarter of an hour on two cores
npm run check:containers -- --only image,v2    these
npm run check:containers -- --from v0.1.0      also an upgrade from that revision
npm run check:containers -- --list             what there is`;

const NO_ENGINE = 2;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    from: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean" },
  },
});

const enginesVersion = async (): Promise<string | null> => {
  try {
    await docker(["compose", "version"]);
    return (await docker(["version", "--format", "{{.Server.Version}}"])).trim();
  } catch {
    return null;
  }
};

/** Why there are no images; null when they are built. */
const build = async (version: string): Promise<string | null> => {
  console.log(`Docker engine ${version}; building the images`);
  return buildImages().then(() => null, messageOf);
};

if (values.help) console.log(USAGE);
else {
  const version = values.list ? "" : await enginesVersion();
  if (version === null) {
    const where = process.env["DOCKER_HOST"] ?? "the default socket";
    console.error(
      `No Docker engine with Compose answers at ${where}: start one, or set DOCKER_HOST to its address.`,
    );
    process.exitCode = NO_ENGINE;
  } else {
    const failure = values.list ? null : await build(version);
    if (failure === null)
      process.exitCode = await runChecks(checksOf(values.from), { only: values.only, list: values.list });
    else {
      console.error(failure);
      process.exitCode = 1;
    }
  }
}
