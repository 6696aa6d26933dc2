/** One order by each mode at once, timed by this page from the click to its own list. */
import type { Api } from "../api.ts";
import { byId, setText } from "../dom.ts";
import { openFlights } from "../flights.ts";
import { journeyText } from "../journey.ts";
import { isHeard, type Model, type Part } from "../model.ts";
import { openTracks } from "./tracks.ts";

export const openJourneys = (api: Api, repaint: () => void): Part => {
  const [button, text, spoken] = [
    byId<HTMLButtonElement>("send"),
    byId("journey-text"),
    byId("journey-spoken"),
  ];
  const tracks = openTracks();
  const flights = openFlights(api, repaint);
  const explained = text.textContent ?? "";
  let model: Model | null = null;
  let wasRunning = false;

  button.addEventListener("click", () => {
    const { setup = null, all = null } = model ?? {};
    if (setup === null || all === null || flights.isRunning()) return;
    setText(spoken, "Sent");
    flights.launch(setup, Date.parse(all.server_timestamp));
  });
  const speak = (isRunning: boolean, next: Model): void => {
    if (wasRunning && !isRunning) {
      const told = [...flights.journeys()].map(
        ([mode, journey]) => `${mode}: ${journeyText(journey, isHeard(next), next.formats.span)}`,
      );
      setText(spoken, told.join(" "));
    }
    wasRunning = isRunning;
  };
  return {
    // a frame is heard when it comes, also while a hidden page draws nothing
    hear: ({ recent_orders }) => flights.hear(recent_orders),
    draw: (next) => {
      model = next;
      const isRunning = flights.isRunning();
      const off = whyOff(next);
      button.disabled = off !== null;
      // not disabled: the focus would be lost from it
      button.ariaDisabled = String(isRunning);
      setText(text, off ?? explained);
      tracks.draw(flights.journeys(), next, performance.now());
      speak(isRunning, next);
    },
  };
};

/** A sentence why nothing may be sent; null when something may. */
export const whyOff = ({ setup, setupProblem, all, raceStatus }: Model): string | null => {
  if (setupProblem !== null) return `Nothing can be sent: ${setupProblem}`;
  if (setup === null || all === null) return "Waiting for the server.";
  if (raceStatus.phase === "disconnected") return "Nothing can be sent while the server is not heard.";
  if (setup.page_orders_per_second > 0) return null;
  return "This server takes no made-up orders from its page. npm start does; elsewhere PAGE_ORDERS_PER_SECOND allows them.";
};
