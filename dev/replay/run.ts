/**
 * One replay from the file to the verdict.
 */
import { DAY_MS, iso } from "#shared/domain/time.ts";
import { begin, earlierState, type Say } from "./begin.ts";
import { type Client, openClient } from "./client.ts";
import { count } from "./figures.ts";
import { describeSurvey, listBadRows, listRefused } from "./listing.ts";
import { type ReplayOptions, UsageError } from "./options.ts";
import { dueAfterMs, hoursAround, keyOfLine, orderOfRow, shiftToNow, spanOf } from "./plan.ts";
import { startMeter } from "./progress.ts";
import { readTotals } from "./sales.ts";
import { CONCURRENCY, type Progress, startSending } from "./send.ts";
import { openOwnStack, type Stack, type StartStack } from "./stack.ts";
import {
  forget,
  type Places,
  placesFor,
  type ReplayState,
  STATE_MAX_AGE_MS,
  saveState,
  unpacked,
} from "./state.ts";
import { type Row, type Survey, surveyOf } from "./survey.ts";
import { addTo, keyOf, type Totals, without } from "./totals.ts";
import { reportOf, waitUntilCounted } from "./verify.ts";

export type ReplayRun = {
  readonly options: ReplayOptions;
  /** Where states, bad rows and own stacks' data are kept. */
  readonly folder: string;
  readonly startStack: StartStack;
  readonly say: Say;
  /** For what goes wrong and for the progress. */
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
};

/** A stack that restarts is back by then; one that is wrong is noticed before the user has gone for coffee. */
const STALL_LIMIT_MS = 3 * 60_000;
const FIRST_ANSWER_LIMIT_MS = 30_000;
const COUNT_IDLE_LIMIT_MS = 2 * 60_000;
const SAVE_EVERY_MS = 2_000;

/** Whether the file's totals and the system's are equal. Rejects with a UsageError or with what went wrong. */
export const replay = async (run: ReplayRun): Promise<boolean> => {
  const { options, say } = run;
  const survey = await surveyOf(options);
  const places = placesFor(run.folder, survey.sha256, options);
  describeSurvey(survey, options, say);
  await listBadRows(survey, places, run.stderr);
  const { firstMs, lastMs } = spanOf(survey.rows);
  if (survey.rows.length === 0) throw new Error("no row of this file can be sent");
  if ((lastMs - firstMs) / options.speed > STATE_MAX_AGE_MS)
    throw new UsageError(
      `at this speed it takes ${Math.ceil((lastMs - firstMs) / options.speed / DAY_MS)} days; 30 is the most`,
    );
  if (options.dryRun) return true;

  const earlier = await earlierState(places, options.fresh, Date.now(), say);
  const shiftMs = options.keepTime ? 0 : (earlier?.shiftMs ?? shiftToNow(lastMs, Date.now()));
  const { startStack } = run;
  const stack: Stack =
    options.url === null
      ? await openOwnStack({
          startStack,
          mode: options.mode,
          survey,
          places,
          firstMs: firstMs + shiftMs,
          say,
        })
      : { url: options.url, stop: async () => undefined };
  const client = openClient(stack.url, CONCURRENCY);
  let isVerified = false;
  try {
    const read = (shift: number) =>
      readTotals(
        client,
        { mode: options.mode, ...hoursAround(survey.rows, shift) },
        FIRST_ANSWER_LIMIT_MS,
        run.signal,
      );
    const state = await begin({ survey, places, keepTime: options.keepTime, earlier, read, say });
    isVerified = await sendAndVerify(run, survey, places, client, state);
  } finally {
    client.close();
    await stack.stop();
  }
  if (options.url === null && isVerified && !options.keep) await forget(places);
  else if (options.url === null) say(`The data of this stack stays in ${places.data}`);
  return isVerified;
};

const sendAndVerify = async (
  run: ReplayRun,
  survey: Survey,
  places: Places,
  client: Client,
  state: ReplayState,
): Promise<boolean> => {
  const { options, say, stderr, signal } = run;
  const { rows } = survey;
  const hours = hoursAround(rows, state.shiftMs);
  say(
    `Sending ${count(rows.length)} orders by ${options.mode}, dated ${iso(hours.fromMs)} to ${iso(hours.toMs)}.`,
  );
  const progress = await send(run, survey, places, client, state);
  listRefused(progress, rows, stderr);
  if (signal.aborted) {
    say(
      `Interrupted: ${count(progress.settled)} of ${count(rows.length)} orders are sent. The same command goes on.`,
    );
    return false;
  }
  if (progress.replayed > 0)
    say(`${count(progress.replayed)} of them the stack had already: they count once.`);
  const before = unpacked(state.baseline);
  const accepted = acceptedOf(survey, progress);
  let counting = 0;
  const meter = startMeter("counted", rows.length, stderr, () => ({ done: counting, trouble: null }));
  const counted = await waitUntilCounted({
    read: async () =>
      without(await readTotals(client, { mode: options.mode, ...hours }, STALL_LIMIT_MS, signal), before),
    accepted,
    onCounted: (orders) => {
      counting = orders;
    },
    signal,
    idleLimitMs: COUNT_IDLE_LIMIT_MS,
  }).finally(meter.stop);
  const report = reportOf(survey.totals, counted);
  say(report.text);
  if (!report.isEqual && signal.aborted)
    say("Interrupted while the orders were counted. The same command goes on.");
  return report.isEqual;
};

const send = async (
  { options, stderr, signal }: ReplayRun,
  survey: Survey,
  places: Places,
  client: Client,
  state: ReplayState,
): Promise<Progress> => {
  const { rows, sha256 } = survey;
  const { mode } = options;
  const source = { sha256, mode, keyTimeMs: state.keyTimeMs };
  const { progress, done } = startSending({
    count: rows.length,
    post: (indices) => {
      const orders = indices.map((index) => {
        const row = rows[index] as Row;
        return { id: keyOfLine(source, row.line), ...orderOfRow(row, survey, state.shiftMs) };
      });
      return client.post(`/api/${mode}/orders`, JSON.stringify(orders));
    },
    dueAfterMs: (index) => dueAfterMs(rows, index, options.speed, state.sentTo),
    stallLimitMs: STALL_LIMIT_MS,
    signal,
  });
  const save = (): Promise<void> =>
    saveState(places.state, { ...state, sentTo: Math.max(state.sentTo, progress.sentTo) });
  let saving = Promise.resolve();
  const timer = setInterval(() => {
    // A full disk is told once, by the last save; the replay itself does not need the file.
    saving = saving.then(save).catch(() => undefined);
  }, SAVE_EVERY_MS);
  const meter = startMeter("sent", rows.length, stderr, () => ({
    done: progress.settled,
    trouble: progress.trouble,
  }));
  try {
    await done;
  } finally {
    meter.stop();
    clearInterval(timer);
    await saving;
    await save();
  }
  return progress;
};

const acceptedOf = (survey: Survey, { refused }: Progress): Totals => {
  const totals: Totals = new Map(survey.totals);
  for (const { index } of refused) {
    const row = survey.rows[index];
    if (row)
      addTo(totals, keyOf(survey.stores[row.store] ?? "", survey.drinks[row.drink] ?? ""), -1, -row.cents);
  }
  return totals;
};
