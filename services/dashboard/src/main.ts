/** The page: what the server sends goes into one model, and each part draws of it what has changed. */
import type { Phase } from "../../../shared/client/status.ts";
import type { Setup } from "../../../shared/wire/setup.ts";
import { DEFAULT_VIEW, searchFor, type View, viewIn } from "./address.ts";
import { apiUrl, messageOf, openApi } from "./api.ts";
import { openDiagnosis } from "./diagnosis.ts";
import { openFeed } from "./feed.ts";
import { type Formats, formatsFor } from "./format.ts";
import { awayAfter } from "./honesty.ts";
import { type Model, openPainter, type Part } from "./model.ts";
import { NO_PACES, withDashboard } from "./pace.ts";
import { openHeader } from "./parts/header.ts";
import { openHistory } from "./parts/history.ts";
import { openHour } from "./parts/hour.ts";
import { openJourneys } from "./parts/journey.ts";
import { openLoad } from "./parts/load.ts";
import { openMinutes } from "./parts/minutes.ts";
import { openOrigin } from "./parts/origin.ts";
import { openRace } from "./parts/race.ts";
import { openDrinks, openStores } from "./parts/rankings.ts";
import { openRecent } from "./parts/recent.ts";
import { openTheme } from "./theme.ts";

/** The age of the figures is always in sight, so it moves by itself. */
const AGE_EVERY_MS = 250;
const SETUP_AGAIN_MS = 3_000;
/** A pace is kept by the second, also while nothing comes. */
const PACE_EVERY_MS = 1_000;

const meta = document.querySelector<HTMLMetaElement>('meta[name="coffee-rt-api"]');
const api = openApi(apiUrl(meta?.content, document.baseURI));

let view: View = viewIn(location.search);
let setup: Setup | null = null;
let setupProblem: string | null = null;
let formats: Formats = formatsFor({ currency: null });
let paces = NO_PACES;
let away: Model["away"] = {};
let modes: readonly string[] = [];
/** When the latest board came, by the page's clock. */
let heardAtMs = 0;

const model = (): Model => ({
  view,
  formats,
  shown: feed.shown(),
  all: feed.all(),
  status: feed.status(),
  raceStatus: feed.raceStatus(),
  cause: diagnosis.cause(),
  setup,
  setupProblem,
  paces,
  away,
  modes,
});
const draw = (): void => {
  const now = model();
  for (const part of parts) part.draw(now);
};
const repaint = openPainter(draw);
const diagnosis = openDiagnosis(api, repaint);

const look = (next: Partial<View>): void => {
  const before = view;
  view = { ...view, ...next };
  history.replaceState(null, "", `${location.pathname}${searchFor(view)}`);
  if (view.mode !== before.mode) feed.choose(view.mode);
  repaint();
};

const feed = openFeed({
  url: api.url,
  onAll: (dashboard) => {
    heardAtMs = performance.now();
    paces = withDashboard(paces, dashboard, Date.parse(dashboard.server_timestamp));
    for (const part of parts) part.hear?.(dashboard);
    away = awayAfter(away, dashboard.modes, Date.now());
    const names = Object.keys(dashboard.modes).sort();
    if (names.join() !== modes.join()) {
      modes = names;
      // an address may name a mode that does not run here
      if (view.mode !== DEFAULT_VIEW.mode && !names.includes(view.mode)) look({ mode: DEFAULT_VIEW.mode });
    }
  },
  onChange: () => {
    readSetupAgain(feed.raceStatus().phase);
    repaint();
  },
});
const theme = openTheme(() => {
  for (const part of parts) part.recolour?.();
});
const parts: readonly Part[] = [
  openHeader(theme, (mode) => look({ mode })),
  openHour(api, repaint),
  openMinutes(
    () => formats,
    (measure) => look({ measure }),
  ),
  openDrinks(),
  openStores(),
  openRecent(),
  openRace(),
  openJourneys(api, repaint),
  openLoad(api, repaint),
  openHistory(
    api,
    () => formats,
    repaint,
    (range) => look({ range }),
  ),
  openOrigin(api),
];

/** What the server is set up for does not change while it runs: asked at the beginning, and until it answers. */
let askingAgain: ReturnType<typeof setTimeout> | undefined;
const readSetup = async (): Promise<void> => {
  clearTimeout(askingAgain);
  try {
    const next = await api.get<Setup>("api/setup");
    if (setup === null || next.currency !== setup.currency) formats = formatsFor({ currency: next.currency });
    [setup, setupProblem] = [next, null];
  } catch (error) {
    setupProblem = messageOf(error);
    askingAgain = setTimeout(readSetup, SETUP_AGAIN_MS);
  }
  repaint();
};

/** Whoever answers after a pause may be another server than before, with other promises. */
let phaseBefore: Phase = "connecting";
const readSetupAgain = (phase: Phase): void => {
  if (phase === "live" && phaseBefore !== "live" && phaseBefore !== "connecting") void readSetup();
  phaseBefore = phase;
};

const keepPace = (): void => {
  const all = feed.all();
  const { phase } = feed.raceStatus();
  if (all === null || (phase !== "live" && phase !== "stale")) return;
  const nowMs = Date.parse(all.server_timestamp) + performance.now() - heardAtMs;
  paces = withDashboard(paces, all, nowMs);
};

if (view.mode !== DEFAULT_VIEW.mode) feed.choose(view.mode);
void readSetup();
setInterval(() => {
  diagnosis.look(feed.status().phase);
  repaint();
}, AGE_EVERY_MS);
setInterval(keepPace, PACE_EVERY_MS);
repaint();
