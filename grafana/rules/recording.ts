/** What boards and alerts ask for again and again, named level:metric:operations; recording.yaml is made from it. */

type Recorded = { readonly record: string; readonly expr: string };
type Group = { readonly name: string; readonly rules: readonly Recorded[] };

/** Refusals that are the clients' own mistake. Every other one counts as ours, so a reason that is new does too. */
export const FAULTS_OF_CLIENTS = ["invalid", "malformed", "too_large", "media_type", "conflict"] as const;

/** A budget's burn is told by a long window and a short one: 1h with 5m, 6h with 30m. */
const WINDOWS = ["5m", "30m", "1h", "6h"] as const;

/** The bound of the objective, as Prometheus 2 stores it and as Prometheus 3 does. */
const WITHIN_1_S = 'stage="published",le=~"1|1.0"';

/** What can hold data: no images, and not what the system mounts for itself, which is full or small by design. */
const DISKS = 'fstype!~"ramfs|squashfs|iso9660|vfat",mountpoint!~"/(boot|run)(/.*)?"';

const byMode = (counter: string, window: string, matchers = ""): string =>
  `sum by (mode) (rate(${counter}${matchers && `{${matchers}}`}[${window}]))`;

/** Refused by us, of all that could have been taken. */
const refusedRatio = (window: string): string => {
  const ours = `reason!~"${FAULTS_OF_CLIENTS.join("|")}"`;
  const refused = byMode("coffee_orders_rejected_total", window, ours);
  return `${refused}
/ (${refused}
+ ${byMode("coffee_orders_accepted_total", window)})`;
};

/**
 * Not on a board within 1 s, of all accepted ones: those that were published later, and those that were not published at
 * all, because orders behind a worker that stands still are late already. What a client sends again is accepted and
 * never published. It is taken off the second part alone: a storm of redeliveries must not hide what was late.
 */
const lateRatio = (window: string): string => {
  const accepted = byMode("coffee_orders_accepted_total", window);
  const orNone = (rate: string): string => `(${rate} or 0 * ${accepted})`;
  const published = orNone(byMode("coffee_order_freshness_seconds_count", window, 'stage="published"'));
  const inTime = orNone(byMode("coffee_order_freshness_seconds_bucket", window, WITHIN_1_S));
  const again = orNone(byMode("coffee_orders_duplicate_total", window, 'job="worker"'));
  return `clamp((
${published}
- ${inTime}
+ clamp_min(
${accepted}
- ${again}
- ${published}, 0)
) / (${accepted} > 0), 0, 1)`;
};

const orders: readonly Recorded[] = [
  {
    // a dead worker tells nothing, which is not the same as having counted something
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
    // the board's Redis has no bound: what it holds does not grow
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

/** Objectives: 99.9 % of the orders that could be taken are taken; 99 % of the accepted ones are on a board within 1 s. */
const GROUPS: readonly Group[] = [
  { name: "orders", rules: orders },
  {
    name: "availability",
    rules: WINDOWS.map((window) => ({
      record: `mode:coffee_orders_refused:ratio_rate${window}`,
      expr: refusedRatio(window),
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

/** As it is committed: npm run dashboards writes it, and a test holds the two together. */
export const recordingYaml = (): string => `# Made from recording.ts by npm run dashboards.
groups:${GROUPS.map(groupText).join("")}`;
