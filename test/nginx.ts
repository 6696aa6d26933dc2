/** A real nginx in front of an API. */
import { execFile, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Closers } from "#shared/runtime/lifecycle.ts";
import { temporaryFolder } from "../dev/system/launcher.ts";
import { fromPackage, missingLibraries } from "../dev/system/servers/apt.ts";
import { freePort } from "../dev/system/servers/ports.ts";
import { until } from "./fresh.ts";

type Nginx = { readonly command: string; readonly types: string };

const findNginx = (): Promise<Nginx> =>
  fromPackage(
    {
      name: "nginx",
      find: async (folder) => {
        const command = join(folder, "usr/sbin/nginx");
        const types = join(folder, "etc/nginx/mime.types");
        if (!existsSync(command) || !existsSync(types)) return null;
        return await promisify(execFile)(command, ["-v"]).then(
          () => ({ command, types }),
          () => null,
        );
      },
      unpacked: async () => ["nginx", "nginx-common", ...(await missingLibraries(["nginx"]))],
      whatToDo: "nginx is missing and could not be installed. On Debian and Ubuntu: apt-get install nginx",
    },
    (line) => console.log(line),
  );

/** Starts nginx with the `http` settings made for its port; resolves with its address. */
export const startNginx = async (closers: Closers, settings: (port: number) => string): Promise<string> => {
  const [{ command, types }, port] = await Promise.all([findNginx(), freePort()]);
  const folder = temporaryFolder("coffee-rt-nginx-", closers);
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join("\n");
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `${process.getuid?.() === 0 ? "user root;" : ""}
daemon off; worker_processes 1; pid ${join(folder, "pid")}; error_log stderr;
events {}
http { include ${types}; access_log off; ${folders}
${settings(port)}
}`,
  );
  const child = spawn(command, ["-p", folder, "-e", "stderr", "-c", file], { stdio: "pipe" });
  closers.add("nginx", async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.kill("SIGQUIT")) await ended;
  });
  let output = "";
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const url = `http://127.0.0.1:${port}`;
  await until("nginx answers", async () => {
    if (child.exitCode !== null) throw new Error(`nginx exited: ${output}`);
    return (await fetch(url).catch(() => null)) !== null;
  });
  return url;
};
