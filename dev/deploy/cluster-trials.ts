/** What the chart's releases must withstand on a cluster, in this order. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { CHART, TRIAL_OF_ALL_MODES } from "./chart-values.ts";
import { type Cluster, RELEASE, type Trial } from "./cluster.ts";

const API = "deployment/shop-coffee-rt-order-api";
const WORKER = "deployment/shop-coffee-rt-worker-v2";
const FRESH_API = /name: fresh-coffee-rt-order-api\n(?:(?!---).)*?\nspec:\n +replicas: 3\n/s;
const POSTGRES = "statefulset/shop-coffee-rt-postgres";

export const TRIALS: readonly Trial[] = [
  {
    title: "an install under PodSecurity restricted brings no warning, and every pod is admitted",
    run: async ({ helm, kubectl, longest, expect }) => {
      const said = await helm("install", RELEASE, CHART, "--no-hooks", ...TRIAL_OF_ALL_MODES);
      expect(!/warn|violate/i.test(said.problems), `helm install warns: ${said.problems}`);
      await kubectl(["create", "--dry-run=server", "--filename=-"], await longest());
    },
  },
  {
    title: "another chart version, and the rollback from it, leave the chart's own servers as they are",
    run: async ({ upgrade, helm, kubectl, expect }) => {
      const before = await generations(kubectl);
      const image = ["get", API, "--output", "jsonpath={.spec.template.spec.containers[0].image}"];
      await withChart("9.9.9", (chart) =>
        helm("upgrade", RELEASE, chart, "--no-hooks", ...TRIAL_OF_ALL_MODES),
      );
      expect((await kubectl(image)) === "coffee-rt:9.9.9", "the programs have no new version");
      expect((await generations(kubectl)) === before, "a changed chart version changes the own servers");
      await helm("rollback", RELEASE, "1", "--no-hooks");
      expect((await kubectl(image)) !== "coffee-rt:9.9.9", "a rollback keeps the new version");
      expect((await generations(kubectl)) === before, "a rollback changes the own servers");
      await upgrade();
    },
  },
  {
    title: "turning autoscaling on and off keeps the number of pods",
    run: async (cluster) => {
      const { upgrade, kubectl, expect } = cluster;
      const on = ["--set", "orderApi.autoscaling.enabled=true"];
      const fresh = await cluster.helm(
        "install",
        "fresh",
        CHART,
        "--dry-run=server",
        ...TRIAL_OF_ALL_MODES,
        ...on,
        "--set",
        "orderApi.autoscaling.min=3",
      );
      expect(FRESH_API.test(fresh.out), "a new release with autoscaling does not begin with its minimum");
      await upgrade("--set", "orderApi.replicas=3");
      await upgrade("--set", "orderApi.replicas=3", ...on);
      expect((await replicas(kubectl, API)) === 3, "turning autoscaling on changes the number of pods");
      await autoscale(kubectl, 5);
      await upgrade(...on, "--set", "orderApi.podAnnotations.changed=yes");
      expect((await replicas(kubectl, API)) === 5, "an upgrade changes what the autoscaler has set");
      await autoscale(kubectl, 4);
      await upgrade();
      expect((await replicas(kubectl, API)) === 4, "turning autoscaling off changes the number of pods");
      const both = ["set orderApi.replicas=4, or run kubectl", "--replicas=2"];
      await refused(cluster, [], both);
      await upgrade("--set", "orderApi.replicas=4");
      await kubectl(["scale", API, "--replicas=2"]);
      await upgrade();
    },
  },
  {
    title: "an upgrade after kubectl scale is refused, with both ways out, and each of them works",
    run: async (cluster) => {
      const { upgrade, kubectl, helm, expect } = cluster;
      await kubectl(["scale", WORKER, "--replicas=4"]);
      await refused(
        cluster,
        [],
        ["set modes.v2.workers=4, or run kubectl", "scale deployment", "--replicas=2"],
      );
      await upgrade("--set", "modes.v2.workers=4");
      await kubectl(["scale", WORKER, "--replicas=2"]);
      await upgrade();
      expect((await replicas(kubectl, WORKER)) === 2, "the number of workers is not the value's");
      await kubectl(["scale", WORKER, "--replicas=5"]);
      // to the revision before, of four
      await helm("rollback", RELEASE, "--no-hooks", "--force-conflicts");
      expect((await replicas(kubectl, WORKER)) === 4, "a forced rollback leaves kubectl's number of workers");
      await kubectl(["scale", WORKER, "--replicas=2"]);
      await upgrade();
    },
  },
  {
    title: "another storage size is refused, and its steps work; the same size in another unit is taken",
    run: async (cluster) => {
      const { upgrade, kubectl, expect } = cluster;
      const larger = ["--set", "servers.postgresql.inCluster.storage=16Gi"];
      await refused(cluster, larger, [
        "which it cannot change",
        "data-shop-coffee-rt-postgres-0",
        "--cascade=orphan",
      ]);
      await upgrade("--set", "servers.postgresql.inCluster.storage=8192Mi");
      await kubectl(["delete", POSTGRES, "--cascade=orphan", "--wait=false"]);
      // what the garbage collector does; a cluster without nodes has none
      const done = ["patch", POSTGRES, "--type=merge", "--patch", '{"metadata":{"finalizers":null}}'];
      if ((await kubectl(["get", "nodes", "--output", "name"])) === "") await kubectl(done);
      await kubectl(["wait", POSTGRES, "--for=delete", "--timeout=30s"]);
      await upgrade(...larger);
      const size = "jsonpath={.spec.volumeClaimTemplates[0].spec.resources.requests.storage}";
      expect(
        (await kubectl(["get", POSTGRES, "--output", size])) === "16Gi",
        "the size is still the old one",
      );
    },
  },
];

/** An upgrade that must fail with these words, before anything of the release is touched. */
const refused = async (
  { upgrade, helm, expect }: Cluster,
  values: readonly string[],
  words: readonly string[],
): Promise<void> => {
  const history = async (): Promise<string> => (await helm("history", RELEASE, "--output", "json")).out;
  const before = await history();
  const sentence = await upgrade(...values).then(() => "", messageOf);
  const missing = words.filter((word) => !sentence.includes(word));
  expect(missing.length === 0, `not refused with "${missing.join('", "')}": ${sentence || "taken"}`);
  expect((await history()) === before, "what was refused is a revision of the release");
  const { out } = await helm("status", RELEASE);
  expect(
    out.includes("STATUS: deployed"),
    `after a refusal the release is not deployed: ${out.slice(0, 200)}`,
  );
};

/** Of the own servers: Kubernetes raises it with each change of a spec. */
const generations = (kubectl: Cluster["kubectl"]): Promise<string> =>
  kubectl([
    "get",
    "statefulsets",
    "--output",
    "jsonpath={range .items[*]}{.metadata.name}={.metadata.generation} {end}",
  ]);

const replicas = async (kubectl: Cluster["kubectl"], of: string): Promise<number> =>
  Number(await kubectl(["get", of, "--output", "jsonpath={.spec.replicas}"]));

/** As the controller of HorizontalPodAutoscalers does it. */
const autoscale = (kubectl: Cluster["kubectl"], count: number): Promise<string> =>
  kubectl([
    "patch",
    API,
    "--subresource=scale",
    "--field-manager=kube-controller-manager",
    "--type=merge",
    "--patch",
    JSON.stringify({ spec: { replicas: count } }),
  ]);

/** The chart as another version, until `act` ends. */
const withChart = async <T>(version: string, act: (chart: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-chart-"));
  try {
    const chart = join(folder, "coffee-rt");
    cpSync(CHART, chart, { recursive: true });
    const file = join(chart, "Chart.yaml");
    const text = readFileSync(file, "utf8").replaceAll(/^(version|appVersion):.*$/gm, `$1: "${version}"`);
    writeFileSync(file, text);
    return await act(chart);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
