/** Puts a run where it belongs: samples and audit first, the run itself last, since what has that is complete. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Told } from "../generators/output.ts";
import { samplesFile } from "../generators/samples-file.ts";
import { folderOf, type KeptRun, type Run, type Second, writeRun } from "./results.ts";

export type Found = {
  readonly run: Run;
  readonly seconds: readonly Second[];
  /** Null for a closed loop, which has no planned times. */
  readonly told: Told | null;
  readonly logs: string;
  readonly took: Readonly<Record<string, number>>;
};

export const keep = (suiteFolder: string, { run, seconds, told, logs, took }: Found): KeptRun => {
  const folder = join(suiteFolder, folderOf(run));
  mkdirSync(folder, { recursive: true });
  const { audit, ledger, voids } = run;
  const text = JSON.stringify({ format: 1, voids, ledger, ...audit, tookSeconds: took }, null, 1);
  writeFileSync(join(folder, "audit.json"), `${text}\n`);
  if (told !== null) {
    const { name, bytes } = samplesFile(told);
    writeFileSync(join(folder, name), bytes);
  }
  // what the programs said matters when something went wrong
  if (voids.length > 0) writeFileSync(join(folder, "logs.txt"), logs);
  writeRun(suiteFolder, run, seconds);
  return { run, folder: folderOf(run), seconds: () => seconds };
};
