/** New orders of the catalogue, as the order API would have taken them just now. */
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { type Order, orderFrom } from "#shared/domain/order.ts";
import type { Random } from "#shared/domain/random.ts";
import catalogueJson from "../../../services/order-api/catalogue.json" with { type: "json" };
import { newOrderId } from "../../../services/order-api/routes/orders.ts";

export const catalogue = catalogueFrom(catalogueJson);
/** From 2.00 up, and how many prices there are. */
export const PRICES = { leastCents: 200, count: 500 };

const RULES = { catalogue, maxEventAgeDays: 366 };

const newOrder = (random: Random): Order => {
  const request = {
    drink: random.pick(catalogue.drinks),
    store: random.pick(catalogue.stores),
    price: (PRICES.leastCents + random.below(PRICES.count)) / 100,
  };
  const checked = orderFrom(request, newOrderId(), Date.now(), RULES);
  if ("errors" in checked) throw new Error(JSON.stringify(checked.errors));
  return checked.order;
};

/** Many orders, in pieces that are made when they are asked for, lest all of them stand in memory at once. */
export const newOrders = function* (
  count: number,
  perPiece: number,
  random: Random,
): Generator<readonly Order[]> {
  for (let made = 0; made < count; made += perPiece)
    yield Array.from({ length: Math.min(perPiece, count - made) }, () => newOrder(random));
};

export const centsOf = (orders: readonly Order[]): number =>
  orders.reduce((sum, { priceCents }) => sum + priceCents, 0);
