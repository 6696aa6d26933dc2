/** More than orders: those who look, and those who stay. */
import { CUSTOMER_SHARES } from "../../shared/domain/demand.ts";
import { ORDERS_ALONE, type Profile } from "./profile.ts";

const { regular, lover, app, rush, group } = CUSTOMER_SHARES;

export const customers: Profile = {
  name: "customers",
  description:
    "who comes to a shop: regulars of one store, lovers of one drink, users of the app who also look at the dashboard, and everybody else",
  perSecond: 50,
  from: 1,
  stages: [{ seconds: 120, factor: 1 }],
  arrivals: [
    { name: "orders", sends: "orders", customers: "anybody", share: rush + group },
    { name: "regulars", sends: "orders", customers: "regulars", share: regular },
    { name: "lovers", sends: "orders", customers: "lovers", share: lover },
    { name: "app", sends: "orders", customers: "app", share: app },
    { name: "readers", sends: "dashboards", customers: "app", share: app },
  ],
  watchers: 20,
  stopsAtLimit: false,
};

export const websocket: Profile = {
  name: "websocket",
  description: "a thousand open dashboards beside 50 orders a second for a minute: fan-out",
  perSecond: 50,
  from: 1,
  stages: [{ seconds: 60, factor: 1 }],
  arrivals: ORDERS_ALONE,
  watchers: 1_000,
  stopsAtLimit: false,
};
