/** As much of PromQL as it takes to ask for what a board asks for, and to say of which metrics. */

const WORDS = new Set(
  "and or unless on ignoring by without group_left group_right bool offset atan2 inf nan".split(" "),
);

/** The metrics that an expression reads, each once; recorded ones have colons in their names. */
export const metricsIn = (expr: string): readonly string[] => {
  const bare = expr
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, " ")
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ");
  const names = [...bare.matchAll(/(?<![\w:.$])([a-zA-Z_:][\w:]*)(\s*\()?/g)]
    .filter(([, name = "", call]) => call === undefined && !WORDS.has(name.toLowerCase()))
    .map(([, name = ""]) => name);
  return [...new Set(names)];
};

/** The query with a board's variables set, as Grafana sends it when nothing is narrowed, or when one mode is chosen. */
export const withVariables = (expr: string, rateInterval: string, mode = ".*"): string =>
  expr.replaceAll("$__rate_interval", rateInterval).replaceAll("$mode", mode);

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Rules with each of their windows, `for`, `keep_firing_for` and `interval` divided: what takes an hour to tell takes a
 * minute then. Thresholds stay, and so do the names of what is recorded.
 */
export const withWindowsDivided = (rules: string, by: number): string => {
  const divided = (amount: string, unit: string): string =>
    `${(Number(amount) * (UNITS_MS[unit] ?? 0)) / by}ms`;
  return rules
    .replaceAll(/\[(\d+)(ms|[smhd])\]/g, (_all, amount: string, unit: string) => `[${divided(amount, unit)}]`)
    .replaceAll(
      /^(\s*(?:for|keep_firing_for|interval): )(\d+)(ms|[smhd])$/gm,
      (_all, key: string, amount: string, unit: string) => `${key}${divided(amount, unit)}`,
    );
};
