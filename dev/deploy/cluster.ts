/**
 * The chart on the API server of a cluster, in a namespace of its own: who owns a field, what cannot be changed and what
 * PodSecurity admits is known there alone. No pod and no hook has to run, so a cluster without nodes is enough.
 */
import { spawnSync } from "node:child_process";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { type Said, say, template } from "./chart.ts";
import { CHART, LONG_NAME, TRIAL_OF_ALL_MODES } from "./chart-values.ts";
import { manifestsIn, workloadsIn } from "./manifests.ts";

/** What is missing for the check; null where it can run. */
export const lacksCluster = (): string | null => {
  const { error, status } = spawnSync("kubectl", ["get", "--raw", "/readyz"], { timeout: 10_000 });
  if (error !== undefined) return "kubectl, and a cluster that it reaches";
  return status === 0 ? null : "a cluster that kubectl reaches (KUBECONFIG)";
};

export type Cluster = {
  readonly namespace: string;
  /** What a release with the longest name has, and the pods that its workloads would make. */
  longest(): Promise<string>;
  /** Rejects with what helm printed. */
  upgrade(...more: readonly string[]): Promise<Said>;
  helm(...args: readonly string[]): Promise<Said>;
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** A sentence when it does not hold. */
  expect(holds: boolean, sentence: string): void;
};

export const RELEASE = "shop";
const RESTRICTED = ["enforce", "warn"].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);

/** It begins with the release as the one before has left it: deployed, with its default values. */
export type Trial = { readonly title: string; run(cluster: Cluster): Promise<void> };

const failing = async (command: string, args: readonly string[], input?: string): Promise<Said> => {
  const said = await say(command, args, input);
  if (!said.ok) throw new Error(`${command.split("/").at(-1)} ${args[0]}: ${said.problems.trim()}`);
  return said;
};

/** Adds a sentence to `problems` for each thing that does not hold; resolves with what was done. */
export const checkOnCluster = async (
  helm: string,
  trials: readonly Trial[],
  problems: string[],
): Promise<readonly string[]> => {
  const namespace = `coffee-rt-check-${Date.now().toString(36)}`;
  const inNamespace = ["--namespace", namespace];
  const cluster: Cluster = {
    namespace,
    longest: () => podsOf(helm),
    helm: (...args) => failing(helm, [...args, ...inNamespace]),
    upgrade: (...more) =>
      failing(helm, [
        "upgrade",
        RELEASE,
        CHART,
        "--no-hooks",
        ...inNamespace,
        ...TRIAL_OF_ALL_MODES,
        ...more,
      ]),
    kubectl: async (args, input) => (await failing("kubectl", [...args, ...inNamespace], input)).out,
    expect: (holds, sentence) => void (holds || problems.push(sentence)),
  };
  try {
    await cluster.kubectl(["create", "namespace", namespace]);
    await cluster.kubectl(["label", "namespace", namespace, ...RESTRICTED]);
    for (const trial of trials) {
      try {
        await trial.run(cluster);
      } catch (error) {
        problems.push(`${trial.title}: ${messageOf(error)}`);
      }
    }
  } finally {
    await cleanUp(cluster, helm);
  }
  return trials.map(({ title }) => title);
};

const cleanUp = async ({ namespace }: Cluster, helm: string): Promise<void> => {
  await say(helm, ["uninstall", RELEASE, "--no-hooks", "--namespace", namespace]);
  await say("kubectl", ["delete", "namespace", namespace, "--wait=false"]);
  const nodes = await say("kubectl", ["get", "nodes", "--output", "name"]);
  if (nodes.out.trim() !== "") return;
  // without nodes there is usually no controller that would end it
  const finalize = `/api/v1/namespaces/${namespace}/finalize`;
  const body = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace },
    spec: { finalizers: [] },
  };
  await say("kubectl", ["replace", "--raw", finalize, "--filename", "-"], JSON.stringify(body));
};

const podsOf = async (helm: string): Promise<string> => {
  const { out } = await template({ helm }, LONG_NAME);
  const pods = workloadsIn(manifestsIn(out)).map(({ manifest, pod, labels }) => {
    const { name } = manifest.metadata;
    const claims = (manifest.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => ({
      name: metadata.name,
    }));
    const spec = { ...pod, volumes: [...(pod.volumes ?? []), ...claims] };
    // a label of 63 characters at most, which a StatefulSet gives its pods
    const revision =
      manifest.kind === "StatefulSet" ? { "controller-revision-hash": `${name}-0123456789` } : {};
    return { apiVersion: "v1", kind: "Pod", metadata: { name, labels: { ...labels, ...revision } }, spec };
  });
  return `${out}\n---\n${JSON.stringify({ apiVersion: "v1", kind: "List", items: pods })}`;
};
