/** Requests to an order API. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Dashboard } from "#shared/domain/dashboard.ts";

export const LATTE = { drink: "latte", store: "uptown", price: 4.5 };

type Headers = Readonly<Record<string, string>>;

/** A text is sent as it is. */
export const postJson = (url: string, body: unknown, headers: Headers = {}): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

export const postOrder = (
  url: string,
  mode: string,
  body: unknown = LATTE,
  headers?: Headers,
): Promise<Response> => postJson(`${url}/api/${mode}/order`, body, headers);

/** Repeats a request for as long as a busy API rejects it, after its Retry-After. */
export const untilDecided = async (send: () => Promise<Response>): Promise<Response> => {
  for (;;) {
    const response = await send();
    if (response.status !== 503) return response;
    await response.arrayBuffer();
    await sleep(1_000 * Number(response.headers.get("retry-after")));
  }
};

export const getJson = async <T>(url: string): Promise<T> => (await (await fetch(url)).json()) as T;

/** `query` with its question mark. */
export const dashboardOf = (url: string, query = ""): Promise<Dashboard> =>
  getJson(`${url}/api/dashboard${query}`);

/** Counted orders by mode, as the dashboard shows them. */
export const countedAt = async (url: string): Promise<Record<string, number>> => {
  const { modes } = await dashboardOf(url);
  return Object.fromEntries(Object.entries(modes).map(([mode, { orders }]) => [mode, orders]));
};

export type OrderStatus = {
  readonly status: string | number;
  readonly mode: string;
  readonly drink: string;
  readonly timestamp: string;
  readonly conflicts: number;
  readonly reason?: string;
};

export const statusOf = (url: string, id: string): Promise<OrderStatus> => getJson(`${url}/api/orders/${id}`);

export type Readiness = {
  readonly modes: Readonly<Record<string, { readonly health: string; readonly reason?: string }>>;
};

/** Whether every mode accepts orders and has no backlog. */
export const areModesOk = async (url: string): Promise<boolean> => {
  const { modes } = await getJson<Readiness>(`${url}/readyz`);
  return Object.values(modes).every(({ health }) => health === "ok");
};

export type Ready = { readonly code: number; readonly health: string | undefined; readonly reason: string };

/** What /readyz reports of a mode. */
export const readinessOf = async (url: string, mode: string): Promise<Ready> => {
  const response = await fetch(`${url}/readyz`);
  const { modes } = (await response.json()) as Readiness;
  return { code: response.status, health: modes[mode]?.health, reason: modes[mode]?.reason ?? "" };
};
