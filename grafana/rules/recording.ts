/** The recording rules, named level:metric:operations. npm run dashboards writes recording.yaml from them. */

type Recorded = { readonly record: string; readonly expr: string };
type Group = { readonly name: string; readonly rules: readonly Recorded[] };

/** Client errors. Every other reason counts as a server error, so a new one does too. */
export const CLIENT_ERRORS = [
  "invalid",
  "malformed",
  "too_large",
  "media_type",
  "conflict",
  "rate_limited",
] as const;

/** A burn rate needs a long window and a short one: 1h with 5m, 6h with 30m. */
const WINDOWS = ["5m", "30m", "1h", "6h"] as const;

/** The objective's bucket; Prometheus 3 stores its bound 1 as 1.0. */
const WITHIN_1_S = 'stage="published",le=~"1|1.0"';

/** File systems that can hold data: no images, and no mounts of the system itself, which are small or full by design. */
const DISKS = 'fstype!~"ramfs|squashfs|iso9660|vfat",mountpoint!~"/(boot|run)(/.*)?"';

const byMode = (counter: string, window: string, matchers = ""): string =>
  `sum by (mode) (rate(${counter}${matchers && `{${matchers}}`}[${window}]))`;

/** Rejected by the server, out of all valid orders. */
const rejectedRatio = (window: string): string => {
  const byServer = `reason!~"${CLIENT_ERRORS.join("|")}"`;
  const rejected = byMode("coffee_orders_rejected_total", window, byServer);
  return `${rejected}
/ (${rejected}
+ ${byMode("coffee_orders_accepted_total", window)})`;
};

/**
 * Accepted orders that were not on a board within 1 s: published later, or not published at all, because orders behind a
 * stopped worker are already late. A duplicate is accepted and never published. Duplicates are subtracted from the second
 * part only: many redeliveries must not hide late orders.
 */
const lateRatio = (window: string): string => {
  const accepted = byMode("coffee_orders_accepted_total", window);
  const orNone = (rate: string): string => `(${rate} or 0 * ${accepted})`;
  const published = orNone(byMode("coffee_order_freshness_seconds_count", window, 'stage="published"'));
  const inTime = orNone(byMode("coffee_order_freshness_seconds_bucket", window, WITHIN_1_S));
  const duplicates = orNone(byMode("coffee_orders_duplicate_total", window, 'job="worker"'));
  return `clamp((
${published}
- ${inTime}
+ clamp_min(
${accepted}
- ${duplicates}
- ${published}, 0)
) / (${accepted} > 0), 0, 1)`;
};

const orders: readonly Recorded[] = [
  {
    // a dead worker exposes no counter: its rate is 0, not missing
    record: "mode:coffee_orders_counted:rate5m",
    expr: `${byMode("coffee_orders_counted_total", "5m")}
or 0 * max by (mode) (coffee_ingest_lag_orders)`,
  },
  { record: "mode:coffee_ingest_lag_orders:max", expr: "max by (mode) (coffee_ingest_lag_orders)" },
  {
    record: "mode:coffee_ingest_oldest_pending_seconds:max",
    expr: "max by (mode) (coffee_ingest_oldest_pending_seconds)",
  },
];

const capacity: readonly Recorded[] = [
  {
    record: "job:process_cpu_seconds:max_rate5m",
    expr: 'max by (job) (rate(process_cpu_seconds_total{job=~"order-api|worker"}[5m]))',
  },
  {
    record: "instance:node_cpu_idle:ratio_rate5m",
    expr: 'avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))',
  },
  {
    // the board's Redis has no maxmemory: its data does not grow
    record: "server:redis_memory_used:ratio",
    expr: "max by (server) (redis_memory_used_bytes / (redis_memory_max_bytes > 0))",
  },
  {
    record: "instance_mountpoint:node_filesystem_avail:ratio",
    expr: `max by (instance, mountpoint) (
node_filesystem_avail_bytes{${DISKS}}
/ (node_filesystem_size_bytes{${DISKS}} > 0)
unless node_filesystem_readonly == 1)`,
  },
];

/** Objectives: 99.9 % of the valid orders are accepted; 99 % of the accepted ones are on a board within 1 s. */
const GROUPS: readonly Group[] = [
  { name: "orders", rules: orders },
  {
    name: "availability",
    rules: WINDOWS.map((window) => ({
      record: `mode:coffee_orders_refused:ratio_rate${window}`,
      expr: rejectedRatio(window),
    })),
  },
  {
    name: "freshness",
    rules: WINDOWS.map((window) => ({
      record: `mode:coffee_orders_late:ratio_rate${window}`,
      expr: lateRatio(window),
    })),
  },
  { name: "capacity", rules: capacity },
];

const ruleText = ({ record, expr }: Recorded): string => `
      - record: ${record}
        expr: >-
${expr.replaceAll(/^/gm, " ".repeat(10))}
`;

const groupText = ({ name, rules }: Group): string => `
  - name: ${name}
    rules:${rules.map(ruleText).join("")}`;

/** The committed text; a test compares the two. */
export const recordingYaml = (): string => `# Written by npm run dashboards from recording.ts.
groups:${GROUPS.map(groupText).join("")}`;
