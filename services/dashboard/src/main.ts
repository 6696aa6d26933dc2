/** The page: puts everything that the server sends into one model, and lets each part draw what has changed. */
import type { Phase } from "../../../shared/client/follow.ts";
import type { Setup } from "../../../shared/wire/operations.ts";
import { apiUrl, ErrorReply, messageOf, openApi } from "./api.ts";
import { openConnections, openStaleCause } from "./connection.ts";
import { type Formats, formatsFor } from "./format.ts";
import { DEFAULT_VIEW, type Model, openPainter, type Part, searchFor, type View, viewIn } from "./model.ts";
import { openAccess, storedToken } from "./parts/access.ts";
import { openFooter, openHeader } from "./parts/header.ts";
import { openHour, openRecent } from "./parts/hour.ts";
import { openModes } from "./parts/modes.ts";
import { openDrinks, openStores } from "./parts/rankings.ts";
import { openHistory, openMinutes } from "./parts/sales-charts.ts";
import { openLoad, openOneOrder } from "./parts/test-orders.ts";
import { unhealthyAfter } from "./status-text.ts";
import { openTheme } from "./theme.ts";
import { NO_TRENDS, withDashboard } from "./trends.ts";

/** The age of the figures is always visible, so it is drawn without new figures too. */
const AGE_EVERY_MS = 250;
const SETUP_RETRY_MS = 3_000;
/** Trends have one sample per second, without new figures too. */
const SAMPLE_EVERY_MS = 1_000;

const meta = document.querySelector<HTMLMetaElement>('meta[name="coffee-rt-api"]');
const url = apiUrl(meta?.content, document.baseURI);
const api = openApi(url, storedToken(url));

let view: View = viewIn(location.search);
let setup: Setup | null = null;
let setupProblem: string | null = null;
let isDenied = false;
let formats: Formats = formatsFor({ currency: null });
let trends = NO_TRENDS;
let unhealthy: Model["unhealthy"] = {};
let modes: readonly string[] = [];
/** When the latest dashboard arrived, by the page's clock. */
let receivedAtMs = 0;

const model = (): Model => ({
  view,
  formats,
  shown: connections.shown(),
  all: connections.all(),
  status: connections.status(),
  allStatus: connections.allStatus(),
  cause: staleCause.cause(),
  setup,
  setupProblem,
  isDenied,
  trends,
  unhealthy,
  modes,
});
const draw = (): void => {
  const now = model();
  for (const part of parts) part.draw(now);
};
const repaint = openPainter(draw);
const staleCause = openStaleCause(api, repaint);

const changeView = (change: Partial<View>): void => {
  const before = view;
  view = { ...view, ...change };
  history.replaceState(null, "", `${location.pathname}${searchFor(view)}`);
  if (view.mode !== before.mode) connections.choose(view.mode);
  repaint();
};

const connections = openConnections({
  api,
  onAll: (dashboard) => {
    receivedAtMs = performance.now();
    trends = withDashboard(trends, dashboard, Date.parse(dashboard.server_timestamp));
    for (const part of parts) part.onDashboard?.(dashboard);
    unhealthy = unhealthyAfter(unhealthy, dashboard.modes, Date.now());
    const names = Object.keys(dashboard.modes).sort();
    if (names.join() !== modes.join()) {
      modes = names;
      // the address may name a mode that does not run here
      if (view.mode !== DEFAULT_VIEW.mode && !names.includes(view.mode))
        changeView({ mode: DEFAULT_VIEW.mode });
    }
  },
  onChange: () => {
    readSetupAfterReconnect(connections.allStatus().phase);
    repaint();
  },
});
const theme = openTheme(() => {
  for (const part of parts) part.recolour?.();
});
const parts: readonly Part[] = [
  openHeader(theme, (mode) => changeView({ mode })),
  openAccess(api),
  openHour(api, repaint),
  openMinutes(
    () => formats,
    (measure) => changeView({ measure }),
  ),
  openDrinks(),
  openStores(),
  openRecent(),
  openModes(),
  openOneOrder(api, repaint),
  openLoad(api, repaint),
  openHistory(
    api,
    () => formats,
    repaint,
    (range) => changeView({ range }),
  ),
  openFooter(api),
];

/** Problems that only another token solves. */
const DENIED: ReadonlySet<string> = new Set(["unauthorized", "forbidden"]);

/** The setup does not change while the server runs: it is read at the start, and retried until the server answers. */
let setupRetry: ReturnType<typeof setTimeout> | undefined;
const readSetup = async (): Promise<void> => {
  clearTimeout(setupRetry);
  try {
    const next = await api.get<Setup>("api/setup");
    if (setup === null || next.currency !== setup.currency) formats = formatsFor({ currency: next.currency });
    [setup, setupProblem, isDenied] = [next, null, false];
  } catch (error) {
    setupProblem = messageOf(error);
    isDenied = error instanceof ErrorReply && DENIED.has(error.body.type ?? "");
    setupRetry = setTimeout(readSetup, SETUP_RETRY_MS);
  }
  repaint();
};

/** After a reconnect the server may be another process with other settings. */
let phaseBefore: Phase = "connecting";
const readSetupAfterReconnect = (phase: Phase): void => {
  const isBack = phase === "live" && phaseBefore !== "live" && phaseBefore !== "connecting";
  // the token may have been removed, which a WebSocket does not report to a page
  const isLost = phase === "disconnected" && phaseBefore !== "disconnected";
  if (isBack || isLost) void readSetup();
  phaseBefore = phase;
};

const addSample = (): void => {
  const all = connections.all();
  const { phase } = connections.allStatus();
  if (all === null || (phase !== "live" && phase !== "stale")) return;
  const nowMs = Date.parse(all.server_timestamp) + performance.now() - receivedAtMs;
  trends = withDashboard(trends, all, nowMs);
};

if (view.mode !== DEFAULT_VIEW.mode) connections.choose(view.mode);
void readSetup();
setInterval(() => {
  staleCause.check(connections.status().phase);
  repaint();
}, AGE_EVERY_MS);
setInterval(addSample, SAMPLE_EVERY_MS);
repaint();
