/** Sales of hours, days and a year, from GET /api/sales. */
import type { Api } from "../api.ts";
import { byId, make, onChoice, openChanges, setText } from "../dom.ts";
import type { Formats } from "../format.ts";
import { RANGES, rangeNamed } from "../history.ts";
import type { Model, Part } from "../model.ts";
import { openPast, type PastState } from "../past.ts";
import { openBars } from "./bars.ts";

const HEIGHT = 260;
const HOURS_OF_A_DAY = 24;

export const openHistory = (
  api: Api,
  formats: () => Formats,
  repaint: () => void,
  choose: (range: string) => void,
): Part => {
  const group = byId("range");
  const past = openPast(api, repaint);
  const isOther = openChanges();

  const named = (startMs: number): string => {
    const { bucket, buckets } = past.state().loaded?.range ?? RANGES[0];
    if (bucket === "day") return formats().utcDay(startMs);
    if (bucket === "hour" && buckets > HOURS_OF_A_DAY) return formats().dayAndMinute(startMs);
    return formats().minute(startMs);
  };
  const isUtc = (): boolean => past.state().loaded?.range.bucket === "day";
  const bars = openBars({ id: "history", height: HEIGHT, formats, named, isUtc });
  for (const { name, title } of RANGES) group.append(optionOf(name, title));
  onChoice(group, choose);
  byId("history-again").addEventListener("click", past.again);
  const drawState = openState(api);

  return {
    draw: ({ view, all }: Model) => {
      for (const input of group.querySelectorAll("input")) input.checked = input.value === view.range;
      const nowMs = all === null ? Date.now() : Date.parse(all.server_timestamp);
      past.want(rangeNamed(view.range) ?? RANGES[0], view.mode, nowMs);
      const { loaded } = past.state();
      if (isOther(loaded, view.measure, formats())) {
        if (loaded === null) bars.clear();
        else bars.draw(loaded.bars, view.measure, `${loaded.range.name} ${loaded.mode}`);
      }
      drawState(past.state(), formats());
    },
    recolour: bars.recolour,
  };
};

const optionOf = (name: string, title: string): HTMLElement =>
  make("label", {}, make("input", { type: "radio", name: "range", value: name }), make("span", {}, title));

/** What stands beside the chart: loading, what went wrong, and the same as a file. */
const openState = (api: Api): ((state: PastState, formats: Formats) => void) => {
  const [problem, problemText, summary] = [
    byId("history-problem"),
    byId("history-problem-text"),
    byId("history-summary"),
  ];
  const csv = byId<HTMLAnchorElement>("history-csv");
  return ({ loaded, problem: why, isLoading, path }, formats) => {
    problem.hidden = why === null;
    if (why !== null) {
      const shown = loaded === null ? "" : ` What is shown is as of ${formats.clock(loaded.readMs)}.`;
      setText(problemText, isLoading ? "Trying again …" : `The history cannot be read: ${why}${shown}`);
    }
    if (loaded === null) setText(summary, isLoading ? "Loading." : "Nothing to show.");
    if (path !== "") csv.href = new URL(`${path}&format=csv`, api.url).href;
  };
};
