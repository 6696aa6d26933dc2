/** Compares what KEDA measures with what the workers that it scales count. */
import { modes } from "#shared/modes/all.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import type { Rule } from "./chart-rules.ts";
import { type Manifest, type Trigger, titleOf, type Workload, workloadsIn } from "./manifests.ts";
import { STAND_IN } from "./variable-rules.ts";

const scalersIn = (manifests: readonly Manifest[]): Manifest[] =>
  manifests.filter(({ kind }) => kind === "ScaledObject");

/** The stream or topic, and the group, by the workers' own settings and their defaults. */
const countedBy = ({ pod }: Workload): unknown[] => {
  const env = Object.fromEntries(
    (pod.containers[0]?.env ?? []).map(({ name, value }) => [name, value ?? STAND_IN[name]]),
  );
  const mode = modes.find(({ name }) => name === env["MODE"]);
  if (mode === undefined) return [];
  const knobs = loadSettings(mode.knobs, env) as Record<string, unknown>;
  return [knobs[`${mode.name}Stream`] ?? knobs[`${mode.name}Topic`], knobs[`${mode.name}Group`]];
};

const triggerProblems = ({ metadata }: Trigger, counted: readonly unknown[]): string[] => {
  const measured = [metadata["stream"] ?? metadata["topic"], metadata["consumerGroup"]];
  const threshold = metadata["lagCount"] ?? metadata["lagThreshold"] ?? "";
  return [
    ...measured.flatMap((each, index) =>
      each === counted[index] ? [] : [`looks at ${each}, its workers at ${counted[index]}`],
    ),
    ...(/^\d+$/.test(threshold) ? [] : [`adds a worker at "${threshold}", which is no whole number`]),
  ];
};

export const scalersFit: Rule = {
  says: "a scaler looks at what its workers count",
  breaches: (manifests) =>
    scalersIn(manifests).flatMap((scaler) => {
      const worker = workloadsIn(manifests).find(
        ({ manifest }) => manifest.metadata.name === scaler.spec?.scaleTargetRef?.name,
      );
      if (worker === undefined) return [];
      const counted = countedBy(worker);
      return (scaler.spec?.triggers ?? []).flatMap((trigger) =>
        triggerProblems(trigger, counted).map((what) => `${titleOf(scaler)} ${what}`),
      );
    }),
};

/** `helm template` sees no cluster: a number there would reset the autoscaler's with each `kubectl apply`. */
export const scaledElsewhere: Rule = {
  says: "what is scaled has no number of its own in what helm template renders",
  breaches: (manifests) => {
    const scaled = manifests.map(({ spec }) => spec?.scaleTargetRef?.name);
    return workloadsIn(manifests)
      .filter(({ manifest }) => scaled.includes(manifest.metadata.name))
      .filter(({ manifest }) => manifest.spec?.replicas !== undefined)
      .map(({ manifest }) => titleOf(manifest));
  },
};

/** By the name of the set that runs the broker. */
const advertisedIn = (manifests: readonly Manifest[]): Map<string, string> =>
  new Map(
    workloadsIn(manifests).flatMap(({ manifest, pod }) =>
      pod.containers.flatMap(({ env = [] }) =>
        env
          .filter(({ name }) => name === "KAFKA_ADVERTISED_LISTENERS")
          .map(({ value = "" }) => [manifest.metadata.name, value.replace("BROKER://", "")] as const),
      ),
    ),
  );

/** KEDA stands in a namespace of its own, and goes on to the name by which the broker answers. */
export const brokersFit: Rule = {
  says: "KEDA finds the chart's own broker by the name that it gives itself",
  breaches: (manifests) => {
    const advertised = advertisedIn(manifests);
    return scalersIn(manifests).flatMap((scaler) =>
      (scaler.spec?.triggers ?? []).flatMap(({ metadata }) => {
        const address = metadata["bootstrapServers"] ?? "";
        const own = advertised.get(address.split(/[.:]/)[0] ?? "");
        return own === undefined || own === address
          ? []
          : [`${titleOf(scaler)} asks ${address}, which answers as ${own}`];
      }),
    );
  },
};
