/** Columns of discounts, in the languages of known-headers.ts: amounts, and shares of the line in percent. */
import { WITH_OR_WITHOUT } from "./known-headers.ts";
import { bare } from "./words.ts";

const DISCOUNT =
  /discount|rabat|rabais|nachlass|ermäßigung|remise|réduction|descuento|desconto|scont[oi]|skonto|rebate|coupon|promo|saving|markdown|(^|amount|percent|cash|\d)off$|voucher|gutschein|korting|slev[ay]|скидк|割引|折扣|할인/;
/** A sum before or after a discount, a tax on it, and the name or number of one. */
const NO_DISCOUNT =
  /(nach|vor|ohne|mit|abzüglich|après|avant|sans|avec|después|antes|dopo|prima|após|depois|voor|efter|före|før|^na)(de|del|der|do|la|le|lo)?(discount|rabat|nachlass|remise|réduction|descuento|desconto|scont|korting)|discounted$|(price|preis|prix|precio|prezzo|prijs|preço|preco|pris)$|discounted(price|total|sales|subtotal|revenue)|rabattiert|^(tax|vat|mwst)|(tax|vat|mwst|id|nr|number|code|qty|quantity|name|type|reason|grund|method|status|applied)$|shipping|delivery|versand/;
/** A way to pay as often as a discount. */
const VOUCHER = /voucher|gutschein/;
const PERCENT = /%|percent|prozent|pct|pour\s?cent|por\s?cent|procent|процент|rate$|satz$/;
const OF_LINE = /line|item|article|artikel|position|zeile/;
const OF_ORDER =
  /order|receipt|ticket|check|cart|basket|bill|invoice|transaction|^bon(?!us)|beleg|bestell|rechnung|warenkorb|commande|panier|pedido|ordine|carrello/;

export const isDiscount = (header: string): boolean => {
  const name = bare(header);
  return DISCOUNT.test(name) && !NO_DISCOUNT.test(name) && !WITH_OR_WITHOUT.test(name);
};

export const isVoucher = (header: string): boolean => VOUCHER.test(bare(header));

/** `Discount %`: its amounts are shares of the line. Those of `10% discount` may be money. */
export const isPercent = (header: string): boolean =>
  isDiscount(header) && PERCENT.test(header.toLowerCase().trim()) && !/\d\s?%/.test(header);

/** `Item discount`: an amount of the line, though all lines of an order may have the same. */
export const isNamedOfLine = (header: string): boolean => OF_LINE.test(bare(header));

/** `Order discount`, `Bonrabatt`. */
export const isNamedOfOrder = (header: string): boolean =>
  OF_ORDER.test(bare(header)) && !isNamedOfLine(header);
