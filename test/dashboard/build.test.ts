/** The page as it is built for another server than the API. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

test("a page for another server has the API's address in every form of it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-page-"));
  const out = join(folder, "dist");
  try {
    const args = ["dev/build-dashboard.ts", "--out", out, "--api", "https://api.example/coffee"];
    await promisify(execFile)(process.execPath, args, { cwd: root });
    const file = (ending: string): Buffer => readFileSync(join(out, `index.html${ending}`));
    const forms = [file(""), brotliDecompressSync(file(".br")), gunzipSync(file(".gz"))].map(String);
    for (const form of forms)
      expect(form).toContain('<meta name="coffee-rt-api" content="https://api.example/coffee">');
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
