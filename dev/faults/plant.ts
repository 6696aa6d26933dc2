/**
 * Plants a mistake into a program as it is loaded: node --import ./dev/faults/plant.ts, with the texts to replace as
 * JSON in FAULTS_PLANT. The product has no option for any of this, and nothing on the disk changes.
 */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Edit, PLANT_VARIABLE, planted, toldPlanted } from "./edits.ts";

const root = join(import.meta.dirname, "..", "..");
const edits = JSON.parse(process.env[PLANT_VARIABLE] ?? "[]") as Edit[];

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    const ours = edits.filter(({ file }) => pathToFileURL(join(root, file)).href === url);
    if (ours.length === 0) return loaded;
    const source = planted(String(loaded.source), ours);
    for (const { file } of ours) process.stderr.write(`${toldPlanted(file)}\n`);
    return { ...loaded, source };
  },
});
