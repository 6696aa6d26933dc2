/** Marks runs on Grafana's boards, where the environment names a Grafana: each phase of a run, once all of it is over. */
import { messageOf } from "#shared/runtime/lifecycle.ts";
import type { Found } from "./keep.ts";
import type { Measures } from "./suite.ts";

/** The board of the lab shows what has this tag. */
export const LAB_TAG = "coffee-rt-lab";
/** A Grafana that does not answer holds up no laboratory. */
const ANSWERS_WITHIN_MS = 5_000;

export type Grafana = { readonly url: string; readonly headers: Readonly<Record<string, string>> };

/** By GRAFANA_URL, with GRAFANA_TOKEN or a name and a password in the address; null without. */
export const grafanaIn = (environment: Readonly<Record<string, string | undefined>>): Grafana | null => {
  const given = environment["GRAFANA_URL"];
  if (!given) return null;
  const { origin, pathname, username, password } = new URL(given);
  const token = environment["GRAFANA_TOKEN"];
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token) headers["authorization"] = `Bearer ${token}`;
  else if (username) headers["authorization"] = `Basic ${basic.toString("base64")}`;
  return { url: `${origin}${pathname.replace(/\/+$/, "")}/api/annotations`, headers };
};

export type Mark = {
  readonly text: string;
  readonly tags: readonly string[];
  readonly time: number;
  readonly timeEnd: number;
};

/** Phases follow one another from the beginning of the run. */
export const marksOf = ({ run, took }: Pick<Found, "run" | "took">): readonly Mark[] => {
  let time = Date.parse(run.startedAt);
  return Object.entries(took).map(([phase, seconds]) => {
    const from = time;
    time += Math.round(seconds * 1_000);
    const text = `${run.experiment} ${run.mode} ${run.point}: ${phase}`;
    return { text, tags: [LAB_TAG], time: from, timeEnd: time };
  });
};

/** The same measures, and their runs are marked; what Grafana refuses is told, and no run fails by it. */
export const marking = (
  measures: Measures,
  { url, headers }: Grafana,
  tell: (line: string) => void,
): Measures => {
  const mark = async (each: Mark): Promise<void> => {
    const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(each), signal });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    await response.arrayBuffer();
  };
  return {
    ...measures,
    run: async (order, place) => {
      const found = await measures.run(order, place);
      try {
        for (const each of marksOf(found)) await mark(each);
      } catch (error) {
        tell(`this run is not marked in Grafana: ${messageOf(error)}`);
      }
      return found;
    },
  };
};
