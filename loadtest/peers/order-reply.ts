/** What the bare servers reply: the null baseline's members, with an id and a time that never change. */
export type OrderBody = { readonly drink: string; readonly store: string; readonly price: number };

export const ACCEPTED = 202;
export const replyTo = ({ drink, store, price }: OrderBody) => ({
  id: "019a0000-0000-7000-8000-000000000000",
  mode: "null",
  status: "queued",
  ...{ drink, store, price },
  timestamp: "2026-01-15T10:00:00.000Z",
});

/** What the lab reads of each server: whether it accepts orders, and its memory. */
export const PAGES: Readonly<Record<string, () => string>> = {
  "/readyz": () => JSON.stringify({ modes: {} }),
  "/metrics": () => `process_resident_memory_bytes ${process.memoryUsage.rss()}\n`,
};
