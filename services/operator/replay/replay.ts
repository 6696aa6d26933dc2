/** One replay, from the file to the comparison of its totals with the system's. */
import { DAY_MS, iso } from "#shared/domain/time.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { pause } from "#shared/runtime/retry.ts";
import { FOUND, UsageError } from "../command.ts";
import { type Api, readTotals, request } from "./api.ts";
import type { ReplayOptions } from "./command-line.ts";
import { bodyOf, dueAfterMs, hoursAround, shiftToNow, spanOf } from "./orders.ts";
import { count, startMeter } from "./output.ts";
import { closeReport, describeSurvey, listBadRows } from "./report.ts";
import { type Progress, startSending } from "./send.ts";
import {
  baselineOf,
  beginState,
  earlierState,
  forget,
  type Places,
  placesFor,
  type ReplayState,
  STATE_MAX_AGE_MS,
  saveState,
} from "./state.ts";
import { type Survey, surveyOf } from "./survey.ts";
import { prepareSystem, type StartSystem } from "./target.ts";
import { addTo, compared, isEqual, keyOf, reportOf, sumOf, type Totals, without } from "./totals.ts";

export type Surroundings = {
  /** Where states, bad rows and the data of started systems are kept. */
  readonly folder: string;
  /** The API that runs here, for a replay without --url; null where none can be found. */
  readonly findRunning: (() => Promise<string | null>) | null;
  /** For a replay without either; null where none can be started. */
  readonly startSystem: StartSystem | null;
  /** Where the API requires one. */
  readonly token: string | null;
  readonly say: (line: string) => void;
  /** For warnings and the progress. */
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
};

type Run = Surroundings & {
  readonly options: ReplayOptions;
  readonly survey: Survey;
  readonly places: Places;
  readonly api: Api;
};

/** A system that restarts is back by then. */
const STALL_LIMIT_MS = 3 * 60_000;
const FIRST_REPLY_LIMIT_MS = 30_000;
/** How long the count may stay unchanged before the totals are compared as they are. */
const COUNT_IDLE_LIMIT_MS = 2 * 60_000;
const MIN_COUNT_PAUSE_MS = 300;
const SAVE_INTERVAL_MS = 2_000;
const MAX_REJECTED_LISTED = 20;

/**
 * The exit status: 0 when the file's totals and the system's are equal, 3 when they are and too many rows could not be
 * read, else 1. Rejects with a UsageError, or when it could not be done.
 */
export const sendFile = async (given: ReplayOptions, surroundings: Surroundings): Promise<number> => {
  const { say, stderr } = surroundings;
  const survey = await surveyOf(given);
  const options = given.dryRun ? given : { ...given, url: await runningUrl(given, surroundings) };
  const places = placesFor(surroundings.folder, survey.sha256, options);
  describeSurvey(survey, options, say);
  await listBadRows(survey, options, places.badRows, stderr);
  const { firstMs, lastMs } = spanOf(survey.rows);
  if (survey.rows.length === 0) {
    const status = closeReport(survey, options, null, say);
    say("No row of this file can be sent.");
    return status || FOUND;
  }
  if (survey.undecided !== null) throw new UsageError(survey.undecided);
  const days = Math.ceil((lastMs - firstMs) / options.speed / DAY_MS);
  const maxDays = STATE_MAX_AGE_MS / DAY_MS;
  if (days > maxDays)
    throw new UsageError(`at this speed the replay takes ${days} days: expected at most ${maxDays}`);
  if (options.dryRun) {
    await noteTarget(survey, options, surroundings);
    return closeReport(survey, options, null, say);
  }
  return sendWith({ ...surroundings, options, survey, places });
};

/** Of a system that is not started for this replay; null when there is none. */
const runningUrl = async (
  { url, ownSystem }: ReplayOptions,
  { findRunning, say }: Surroundings,
): Promise<string | null> => {
  if (url !== null || ownSystem) return url;
  const running = (await findRunning?.()) ?? null;
  if (running === null) say("No system runs here: one is started for this replay.");
  else say(`Sending to the system that runs here (--own-system starts another one); its page: ${running}/`);
  return running;
};

/** Why the system that the file would be sent to would not take it, which a dry run does not change. */
const noteTarget = async (
  { stores, drinks }: Survey,
  { url, ownSystem, mode }: ReplayOptions,
  { findRunning, token, say, signal }: Surroundings,
): Promise<void> => {
  const target = url ?? (ownSystem ? null : ((await findRunning?.()) ?? null));
  if (target === null) {
    if (findRunning !== null)
      say("Note: they would be sent to a system of their own, with the stores and drinks of the file.");
    return;
  }
  try {
    const names = { stores, drinks };
    await prepareSystem({ url: target, token }, { mode, names, extends: false, say, signal });
  } catch (error) {
    say(`Note: ${messageOf(error)}.`);
  }
};

const sendWith = async (run: Omit<Run, "api">): Promise<number> => {
  const { options, survey, places, startSystem, token, say, signal } = run;
  const { mode, url } = options;
  const { firstMs, lastMs } = spanOf(survey.rows);
  const earlier = await earlierState(places, options.fresh, Date.now(), say);
  const shiftMs = options.keepTime ? 0 : shiftToNow(lastMs, Date.now());
  const names = { stores: survey.stores, drinks: survey.drinks };
  if (url !== null)
    await prepareSystem({ url, token }, { mode, names, extends: options.extendCatalogue, say, signal });
  const wanted = {
    ...{ mode, catalogue: names, folder: places.systemFolder, say },
    firstMs: firstMs + (earlier?.shiftMs ?? shiftMs),
  };
  const system = url === null ? await startSystem?.(wanted) : null;
  if (system) say(`The page: ${system.url}/`);
  const api = { url: url ?? system?.url ?? "", token };
  let status = FOUND;
  try {
    const read = (shift: number) =>
      readTotals(api, mode, hoursAround(survey.rows, shift), FIRST_REPLY_LIMIT_MS, signal);
    const state = await beginState(places.state, earlier, shiftMs, read, say);
    status = await sendAndVerify({ ...run, api }, state);
  } finally {
    await system?.stop();
  }
  if (system && status !== FOUND && !options.keep) await forget(places);
  else if (system) say(`The data of the system is kept in ${wanted.folder}`);
  return status;
};

const sendAndVerify = async (run: Run, state: ReplayState): Promise<number> => {
  const { options, survey, say, signal } = run;
  const { rows } = survey;
  const hours = hoursAround(rows, state.shiftMs);
  const dates = `${iso(hours.fromMs)} to ${iso(hours.toMs)}`;
  say(`Sending ${count(rows.length)} orders by ${options.mode}, dated ${dates}.`);
  const progress = await send(run, state);
  listRejected(run, progress);
  if (signal.aborted) {
    const sent = `${count(progress.settled)} of ${count(rows.length)} orders are sent`;
    say(`Interrupted: ${sent}. The same command continues.`);
    return FOUND;
  }
  if (progress.replayed > 0)
    say(`${count(progress.replayed)} of them were in the system already: they count once.`);
  const accepted = acceptedOf(survey, progress);
  const report = reportOf(survey.totals, await waitUntilCounted(run, state, accepted));
  say(report.text);
  if (!report.isEqual && signal.aborted)
    say("Interrupted while the orders were counted. The same command continues.");
  const status = closeReport(survey, options, sumOf(accepted), say);
  return report.isEqual ? status : FOUND;
};

const send = async (run: Run, state: ReplayState): Promise<Progress> => {
  const { options, survey, places, api, stderr, signal } = run;
  const { rows, sha256 } = survey;
  const { mode, speed } = options;
  const source = { sha256, mode, keyTimeMs: state.keyTimeMs };
  const { progress, trouble, done } = startSending({
    count: rows.length,
    post: (from, to) =>
      request(api, `/api/${mode}/orders`, bodyOf(rows.slice(from, to), source, state.shiftMs)),
    dueAfterMs: (index) => dueAfterMs(rows, index, speed, state.sentTo),
    stallLimitMs: STALL_LIMIT_MS,
    signal,
  });
  const save = (): Promise<void> =>
    saveState(places.state, { ...state, sentTo: Math.max(state.sentTo, progress.sentTo) });
  let saving = Promise.resolve();
  const timer = setInterval(() => {
    // a full disk is reported once, by the last save; sending does not need the file
    saving = saving.then(save).catch(() => undefined);
  }, SAVE_INTERVAL_MS);
  const meter = startMeter("sent", rows.length, stderr, () => ({
    done: progress.settled,
    trouble: trouble(),
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

const listRejected = ({ survey, stderr }: Run, { rejected }: Progress): void => {
  if (rejected.length === 0) return;
  for (const { index, reason } of rejected.slice(0, MAX_REJECTED_LISTED))
    stderr.write(`rejected, line ${survey.rows[index]?.line}: ${reason}\n`);
  stderr.write(`the API rejected ${count(rejected.length)} rows\n`);
};

/** The totals of the rows that the API accepted: once these are counted there is nothing to wait for. */
const acceptedOf = ({ totals, rows }: Survey, { rejected }: Progress): Totals => {
  const accepted: Totals = new Map(totals);
  for (const { index } of rejected) {
    const row = rows[index];
    if (row) addTo(accepted, keyOf(row.store, row.drink), -1, -row.cents);
  }
  return accepted;
};

/** What the system has counted of this replay, once that equals `accepted` or has stood still for too long. */
const waitUntilCounted = async (run: Run, state: ReplayState, accepted: Totals): Promise<Totals> => {
  const { options, survey, api, stderr, signal } = run;
  const hours = hoursAround(survey.rows, state.shiftMs);
  const baseline = baselineOf(state);
  let last = { orders: -1, atMs: Date.now() };
  const meter = startMeter("counted", survey.rows.length, stderr, () => ({
    done: Math.max(0, last.orders),
    trouble: null,
  }));
  try {
    for (;;) {
      const startedMs = Date.now();
      const counted = without(await readTotals(api, options.mode, hours, STALL_LIMIT_MS, signal), baseline);
      const { orders } = sumOf(counted);
      if (orders !== last.orders) last = { orders, atMs: Date.now() };
      const isAll = compared(accepted, counted).every(isEqual);
      if (isAll || signal.aborted || Date.now() - last.atMs > COUNT_IDLE_LIMIT_MS) return counted;
      // reading half a year of hours is slow: at most a third of the time is spent on it
      await pause(Math.max(MIN_COUNT_PAUSE_MS, 2 * (Date.now() - startedMs)), signal);
    }
  } finally {
    meter.stop();
  }
};
