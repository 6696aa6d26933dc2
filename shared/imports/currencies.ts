/** The currencies that a price may name by a sign, a code or a word. */

/**
 * Signs and words, in lower case and without spaces and final dots, with the currencies they can mean. The first of a
 * sign is its usual one. ISO codes need no line here.
 */
const MARKS: readonly (readonly [mark: string, codes: string])[] = [
  ["$", "USD CAD AUD NZD SGD HKD TWD MXN ARS CLP COP BRL UYU DOP JMD TTD BZD FJD NAD"],
  ["us$ $us u$s usd$ $usd", "USD"],
  ["c$ ca$ cad$ can$", "CAD"],
  ["a$ au$ aud$", "AUD"],
  ["nz$ nzd$", "NZD"],
  ["s$ sg$", "SGD"],
  ["hk$", "HKD"],
  ["nt$", "TWD"],
  ["mx$ mex$", "MXN"],
  ["r$", "BRL"],
  ["€ euro euros", "EUR"],
  ["£", "GBP EGP LBP"],
  ["e£ le", "EGP"],
  ["¥ 円 元 圆", "JPY CNY TWD"],
  ["rmb cn¥", "CNY"],
  ["jp¥", "JPY"],
  ["₩ 원", "KRW"],
  ["kr kr.", "SEK NOK DKK ISK"],
  ["fr sfr fr. stutz", "CHF"],
  ["zł zl", "PLN"],
  ["kč kc", "CZK"],
  ["ft", "HUF"],
  ["лв lv", "BGN"],
  ["lei leu", "RON MDL"],
  ["₽ руб р rub", "RUB BYN"],
  ["₴ грн", "UAH"],
  ["₸ тг", "KZT"],
  ["₾", "GEL"],
  ["дин din", "RSD"],
  ["ден den", "MKD"],
  ["₺ tl", "TRY"],
  ["₪", "ILS"],
  ["₹ rs rs. ₨", "INR PKR LKR NPR MUR"],
  ["৳ tk", "BDT"],
  ["฿", "THB"],
  ["₫ đ", "VND"],
  ["₱", "PHP"],
  ["rm", "MYR"],
  ["rp", "IDR"],
  ["r", "ZAR"],
  ["₦", "NGN"],
  ["₵ gh₵ gh¢", "GHS"],
  ["ksh kshs", "KES"],
  ["tsh", "TZS"],
  ["ush", "UGX"],
  ["dh dhs د.إ", "AED MAD"],
  ["sr ر.س", "SAR"],
  ["qr", "QAR"],
  ["s/ s/.", "PEN"],
  ["₲ gs", "PYG"],
  ["bs", "BOB VES"],
  ["₡", "CRC"],
  ["q", "GTQ"],
];

const codesByMark = new Map<string, ReadonlySet<string>>([
  ...Intl.supportedValuesOf("currency").map((code) => [code.toLowerCase(), new Set([code])] as const),
  // the euro replaced it in 2026, and older exports have it
  ["bgn", new Set(["BGN"])],
  ...MARKS.flatMap(([marks, codes]) =>
    marks.split(" ").map((mark) => [mark.replace(/\.$/, ""), new Set(codes.split(" "))] as const),
  ),
]);

/** The currencies that a sign, code or word can mean; null for a text that is none. */
export const currenciesOf = (text: string): ReadonlySet<string> | null =>
  codesByMark.get(text.toLowerCase().replaceAll(/\s/g, "").replace(/\.$/, "")) ?? null;
