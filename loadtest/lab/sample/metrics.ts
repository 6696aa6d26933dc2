/** A look at a program's /metrics page, in the text format of Prometheus. */

/** By the series as the page has it: `name{label="value"}`. */
export type Page = ReadonlyMap<string, number>;

const ANSWER_WITHIN_MS = 1_000;

/** Empty when the program does not answer: it may have been stopped on purpose. */
export const pageOf = async (url: string): Promise<Page> => {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return pageIn(await reply.text());
  } catch {
    return new Map();
  }
};

export const pageIn = (text: string): Page =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const space = line.lastIndexOf(" ");
        return [line.slice(0, space), Number(line.slice(space + 1))] as const;
      }),
  );

/** Over all series of a name whose labels include these. */
export const sumOf = (page: Page, name: string, labels: Readonly<Record<string, string>> = {}): number =>
  [...page].reduce((sum, [series, value]) => (isOf(series, name, labels) ? sum + value : sum), 0);

const isOf = (series: string, name: string, labels: Readonly<Record<string, string>>): boolean =>
  (series === name || series.startsWith(`${name}{`)) &&
  Object.entries(labels).every(([label, value]) => new RegExp(`[{,]${label}="${value}"`).test(series));
