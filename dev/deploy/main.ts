/** npm run check:deploy: everything that says how Coffee-RT is run elsewhere, by the tools that will read it there. */
import { parseArgs } from "node:util";
import { runChecks } from "../checks.ts";
import { CHECKS } from "./checks.ts";

const USAGE = `npm run check:deploy                         every check; tools that are missing are fetched first
npm run check:deploy -- --only chart,broken  these
npm run check:deploy -- --list               what there is`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean" },
  },
});
if (values.help) console.log(USAGE);
else process.exitCode = await runChecks(CHECKS, { only: values.only, list: values.list });
