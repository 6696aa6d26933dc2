/** The order API as a process: where it listens, an order to it, and what it shows as counted. */
import { type Program, until } from "./fresh.ts";

const LISTENING = /listening at (http:[^"]+)"/;

/** Its address, once it listens. */
export const listeningAt = async (api: Program): Promise<string> => {
  await until("the API listens", () => LISTENING.test(api.output()));
  return LISTENING.exec(api.output())?.[1] ?? "";
};

export const order = (url: string, mode: string): Promise<Response> =>
  fetch(`${url}/api/${mode}/order`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ drink: "latte", store: "uptown", price: 4.5 }),
  });

type Dashboard = { readonly modes: Readonly<Record<string, { readonly orders: number }>> };

/** Orders by mode. */
export const countedAt = async (url: string): Promise<Record<string, number>> => {
  const { modes } = (await (await fetch(`${url}/api/dashboard`)).json()) as Dashboard;
  return Object.fromEntries(Object.entries(modes).map(([mode, { orders }]) => [mode, orders]));
};
