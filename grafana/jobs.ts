/**
 * The jobs by whose names rules and boards ask: whoever configures a Prometheus for them gives its scrapes these names.
 * docs/operations.md says which further labels they want.
 */
export const JOBS = ["order-api", "worker", "postgres", "redis", "kafka", "node"] as const;
export type Job = (typeof JOBS)[number];
