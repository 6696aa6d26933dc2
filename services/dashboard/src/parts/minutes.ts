import { byId, onChoice, openChanges } from "../dom.ts";
import type { Formats } from "../format.ts";
import { lastHour } from "../minutes.ts";
import type { Part } from "../model.ts";
import type { Measure } from "../summary.ts";
import { openBars } from "./bars.ts";

const HEIGHT = 224;

/** Orders or revenue of each minute of the last hour. */
export const openMinutes = (formats: () => Formats, choose: (measure: Measure) => void): Part => {
  const isOther = openChanges();
  const bars = openBars({
    id: "minutes",
    height: HEIGHT,
    formats,
    named: (startMs) => formats().minute(startMs),
    isUtc: () => false,
  });
  const group = byId("measure");
  onChoice(group, (measure) => choose(measure === "revenue" ? "revenue" : "orders"));
  return {
    draw: ({ shown, view }) => {
      for (const input of group.querySelectorAll("input")) input.checked = input.value === view.measure;
      // the hour slides with time alone, and the rest of the board leaves these bars as they are
      const minute = shown?.server_timestamp.slice(0, 16);
      if (!isOther(shown?.minutes, minute, shown?.stale && shown.as_of, view.measure, formats())) return;
      if (shown === null) bars.clear();
      else bars.draw(lastHour(shown), view.measure, view.mode);
    },
    recolour: bars.recolour,
  };
};
