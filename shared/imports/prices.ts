/**
 * Prices as exports write them, to whole cents. The digits are never converted to a floating-point number.
 */
import { currenciesOf } from "./currencies.ts";

/** Cents of either sign, and the sign or code of a currency as it stands in the text. */
export type Price =
  | { readonly cents: number; readonly currency: string | null }
  | { readonly problem: string };
/** Which of the two is the decimal mark of a file; null where the file does not show it. */
export type DecimalMark = "." | "," | null;

/** What is no digit, before and behind the number: a currency, a minus, brackets. */
const PARTS =
  /^(?<before>[^\d.,]*(?:(?<=\p{L})\.|[.,](?!\d))?[^\d.,]*)(?<number>[\d.,][\d.,'\u2019\u00b4` _]*)(?<after>\D*)$/u;
/** `4,-` and `4.—` are four; Sweden writes `4:-`. */
const NO_CENTS = /(?<=\d)[.,:][-\u2010-\u2015\u2212=]+/u;
const MINUS = "-\u2010-\u2015\u2212";
const ANY_MINUS = new RegExp(`[${MINUS}]`, "u");
const SIGNS = new RegExp(`[${MINUS}+]`, "gu");
const DASHES = new RegExp(`^[${MINUS}]+$`, "u");
const GROUPED = /^\d{1,3}(?:[.,' _]\d{3})+$/;
/** Ten million of the currency: more is no price, and less is added up exactly. */
const MAX_WHOLE_DIGITS = 9;

/** Cents of "4.50", "$4.50", "CHF 4.—", "1,234.50" and "4,50 zł". */
export const priceOf = (text: string, decimal: DecimalMark): Price => {
  // NFKC turns non-breaking spaces and full-width digits into plain ones
  const trimmed = text.normalize("NFKC").trim();
  if (trimmed === "") return { problem: "the price is missing" };
  const noNumber = { problem: `the price "${trimmed.slice(0, 40)}" is no number` };
  // accounting formats write zero as a dash
  if (/^\D*$/.test(trimmed) && DASHES.test(trimmed.replaceAll(/[\p{L}\p{Sc}\s]/gu, "")))
    return { cents: 0, currency: null };
  const isBracketed = /^\(.*\)$/.test(trimmed);
  const { currency, number, isMinus } = partsOf(isBracketed ? trimmed.slice(1, -1).trim() : trimmed);
  if (number === null || currency === undefined) return noNumber;
  const parts = decimalParts(number, decimal);
  if (parts === null || parts.whole.length > MAX_WHOLE_DIGITS) return noNumber;
  if (parts.isAmbiguous)
    return { problem: `the price ${trimmed} may have three decimals or be in thousands` };
  const cents = centsOf(parts);
  if (cents === null) return { problem: `the price ${trimmed} has more than two decimals` };
  return { cents: isBracketed || isMinus ? 0 - cents : cents, currency };
};

/** `currency` is undefined where the words around the number name none. */
const partsOf = (
  text: string,
): { number: string | null; currency: string | null | undefined; isMinus: boolean } => {
  const { before = "", number = null, after = "" } = PARTS.exec(text.replace(NO_CENTS, ""))?.groups ?? {};
  const isMinus = ANY_MINUS.test(before + after);
  const words = [before, after]
    .map((part) => part.replaceAll(SIGNS, "").trim())
    .filter((part) => part !== "");
  const isKnown = words.every((word) => currenciesOf(word) !== null);
  return { number: number?.trim() ?? null, currency: isKnown ? (words.at(-1) ?? null) : undefined, isMinus };
};

type Decimal = { readonly whole: string; readonly fraction: string; readonly isAmbiguous: boolean };

/**
 * What spreadsheets and programs leave of a double: zeros or nines for at least three digits behind the cent, as in
 * 3.9000000000000004 and 4.499999999999999. 4.505 and 4.499 are prices of less than a cent.
 */
const centsOf = ({ whole, fraction }: Decimal): number | null => {
  const rest = fraction.slice(2);
  const isUp = /^9{3}/.test(rest);
  if (!isUp && !/^(?:0*|0{3}\d*)$/.test(rest)) return null;
  return Number(whole) * 100 + Number(fraction.padEnd(2, "0").slice(0, 2)) + (isUp ? 1 : 0);
};

const decimalParts = (text: string, decimal: DecimalMark): Decimal | null => {
  const number = text.replaceAll(/[\u2019\u00b4`]/g, "'");
  const mark = markOf(number, decimal);
  const at = mark === null ? number.length : number.lastIndexOf(mark);
  const [whole, fraction] = [number.slice(0, at), number.slice(at + 1)];
  if (!/^\d*$/.test(fraction) || whole.length + fraction.length === 0) return null;
  if (!/^\d*$/.test(whole) && !(GROUPED.test(whole) && (mark === null || !whole.includes(mark)))) return null;
  return { whole: whole.replaceAll(/\D/g, "") || "0", fraction, isAmbiguous: isAmbiguous(number, decimal) };
};

/** 1,234 may be one thousand, or one and three decimals, until the file shows its decimal mark. 0,234 is no thousand. */
const isAmbiguous = (number: string, decimal: DecimalMark): boolean =>
  decimal === null && /^[1-9]\d{0,2}[,.]\d{3}$/.test(number);

/** The decimal mark of a number, null when it has none. */
const markOf = (number: string, decimal: DecimalMark): "." | "," | null => {
  const [dot, comma] = [number.lastIndexOf("."), number.lastIndexOf(",")];
  if (dot >= 0 && comma >= 0) return dot > comma ? "." : ",";
  const at = Math.max(dot, comma);
  if (at < 0) return null;
  const mark = dot >= 0 ? "." : ",";
  if (number.indexOf(mark) !== at) return null;
  // in a file of decimal commas 1.234 is in thousands
  return decimal !== null && decimal !== mark && GROUPED.test(number) ? null : mark;
};

/** What a price text shows: the decimal mark, or of `1.234` the one mark that may be for decimals or thousands. */
export type DecimalHint = "." | "," | "thousands." | "thousands,";

/** Null where the text has no mark. */
export const decimalHint = (text: string): DecimalHint | null => {
  const number =
    PARTS.exec(text.normalize("NFKC").replaceAll(/[()]/g, "").trim())?.groups?.["number"]?.trim() ?? "";
  const [dot, comma] = [number.lastIndexOf("."), number.lastIndexOf(",")];
  if (dot >= 0 && comma >= 0) return dot > comma ? "." : ",";
  const at = Math.max(dot, comma);
  if (at < 0 || at === number.length - 1) return null;
  const [mark, other] = number[at] === "." ? ([".", ","] as const) : ([",", "."] as const);
  if (!GROUPED.test(number) || number.startsWith("0")) return mark;
  // two groups of three are thousands
  return number.indexOf(mark) === at ? `thousands${mark}` : other;
};

/** Whether a text is an amount or a percentage, and no name of one. */
export const isAmount = (text: string): boolean => {
  const price = priceOf(text.replace(/\s?%$/, ""), ".");
  return "cents" in price || !price.problem.endsWith("is no number");
};

const QUANTITY =
  /^(?:x\s?)?(?<minus>[-\u2212])?\+?(?<whole>\d{1,6})(?:[.,](?<thousandths>\d{1,3})0*)?\s?(?:x|pcs?|stk|st|ea|units?)?\.?$/i;

/** Cents of a price per unit times a quantity such as "2", "2.000", "0,5" or "2 x", rounded to the cent. */
export const times = (cents: number, quantity: string): number | { readonly problem: string } => {
  const match = QUANTITY.exec(quantity.trim())?.groups;
  if (!match) return { problem: `the quantity "${quantity.trim().slice(0, 40)}" is no number` };
  const thousandths = Number(match["whole"]) * 1_000 + Number((match["thousandths"] ?? "").padEnd(3, "0"));
  const product = Math.round((Math.abs(cents) * thousandths) / 1_000);
  return cents < 0 === (match["minus"] !== undefined) ? product : 0 - product;
};
