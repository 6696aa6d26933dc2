/**
 * The columns of a sales file. A column named by the user is taken; the others are guessed from the headers of common
 * point-of-sale exports. Callers show the guess, so that a wrong one is seen before anything is sent.
 */
import { isDiscount, isPercent } from "./discount-headers.ts";
import {
  AMOUNTS,
  type AmountKind,
  CONTAINED,
  KNOWN,
  NO_AMOUNT,
  NUMBER_OF_A_THING,
  ROLES,
  type Role,
  WITH_OR_WITHOUT,
} from "./known-headers.ts";
import { bare } from "./words.ts";

export type ColumnRole = Role | "price";
/** Header names as the user gave them; quantity, discount, zone and currency may be "none". */
export type ColumnChoices = { readonly [role in ColumnRole]?: string };
/** Field numbers, -1 for a column that the file does not have. */
export type Columns = { readonly [role in Role]: number };
export type AmountColumn = { readonly field: number; readonly kind: AmountKind };

export type Choice = ColumnRole | "dateOrder" | "leave-out";
/** The file cannot be imported with these choices; a caller adds how its user makes the choice that is named. */
export class ImportError extends Error {
  readonly choice: Choice;
  constructor(message: string, choice: Choice) {
    super(message);
    this.choice = choice;
  }
}

const MAY_BE_NONE: ReadonlySet<ColumnRole> = new Set(["quantity", "discount", "zone", "currency", "order"]);

/** How much a record looks like a header: the number of its known and chosen names, once for each role. */
export const headerScore =
  (choices: ColumnChoices) =>
  (fields: readonly string[]): number => {
    const names = fields.map(plain);
    const isChosen = (role: ColumnRole): boolean =>
      choices[role] !== undefined && names.includes(bare(choices[role]));
    const known = ROLES.filter((role) => isChosen(role) || KNOWN[role].some((name) => names.includes(name)));
    const hasAmount = isChosen("price") || names.some((name) => kindOf(name) !== null);
    return known.length + (hasAmount ? 1 : 0);
  };

/** Which field of a record is what. Throws an ImportError that lists the headers when a needed column is missing. */
export const columnsOf = (
  header: readonly string[],
  choices: ColumnChoices,
  hasStoreName: boolean,
): Columns => {
  const found = Object.fromEntries(ROLES.map((role) => [role, fieldOf(role, header, choices)])) as Record<
    Role,
    number
  >;
  // a whole timestamp is preferred to its parts, unless the user named the parts
  const isByParts = choices.timestamp === undefined && (choices.date ?? choices.time) !== undefined;
  if (isByParts || found.timestamp < 0) found.timestamp = -1;
  else [found.date, found.time] = [-1, -1];
  if (found.time === found.date) found.time = -1;
  // `Zeit` may hold both, which the rows show
  if (found.timestamp < 0 && found.date < 0) [found.timestamp, found.time] = [found.time, -1];
  if (hasStoreName) found.store = -1;
  // Shopify: "Name" is the order's number in a file with columns for its lines
  const isShopify = header.some((name) => bare(name).startsWith("lineitem"));
  if (found.order < 0 && choices.order === undefined && isShopify)
    found.order = header.map(bare).indexOf("name");
  const required: [ColumnRole, boolean][] = [
    ["timestamp", found.timestamp >= 0 || found.date >= 0],
    ["store", found.store >= 0 || hasStoreName],
    ["drink", found.drink >= 0],
    ["price", amountsOf(header, choices).length > 0],
  ];
  const missing = required.find(([, isThere]) => !isThere)?.[0];
  if (missing !== undefined) throw missingColumn(missing, header);
  return found;
};

export const missingColumn = (role: ColumnRole, header: readonly string[]): ImportError =>
  new ImportError(`which column is the ${role}? The file has: ${listed(header)}`, role);

/** The columns that may be a line's revenue, in the order of the file; the one that the user named alone. */
export const amountsOf = (header: readonly string[], choices: ColumnChoices): AmountColumn[] => {
  const kinds = header.map((name) => kindOf(plain(name)));
  if (choices.price !== undefined) {
    const field = namedField(header, choices.price, "price");
    return [{ field, kind: kinds[field] ?? "total" }];
  }
  return kinds.flatMap((kind, field) => (kind === null ? [] : [{ field, kind }]));
};

/** The columns in words, for the user to check. */
export const describeColumns = (columns: Columns, header: readonly string[]): string =>
  ROLES.filter((role) => columns[role] >= 0)
    .map((role) => `${role} = "${header[columns[role]]}"`)
    .join(", ");

/** Stripe's and many databases' way to write money: `amount_cents`. */
const CENTS = /(in)?(cents?|pence|minorunits?|minor|rappen|centimes|öre|øre|grosze)$/;

export const isInCents = (name: string): boolean => CENTS.test(bare(name));

/** The columns that may be discounts: known names first, amounts before shares in percent. */
export const discountsOf = (header: readonly string[]): number[] => {
  const rank = (field: number): number => {
    const at = KNOWN.discount.indexOf(plain(header[field] ?? ""));
    return (at < 0 ? KNOWN.discount.length : at) + (isPercent(header[field] ?? "") ? 1_000 : 0);
  };
  return header.flatMap((name, field) => (isDiscount(name) ? [field] : [])).sort((a, b) => rank(a) - rank(b));
};

/** A column of times of day, which may hold whole timestamps. */
export const isTimeOfDay = (name: string): boolean =>
  KNOWN.time.includes(plain(name)) ||
  (CONTAINED.time?.test(plain(name)) === true &&
    !KNOWN.timestamp.includes(plain(name)) &&
    CONTAINED.timestamp?.test(plain(name)) !== true);

/** A header as KNOWN has it. */
const plain = (name: string): string => bare(name).replace(CENTS, "");

const TAX_OR_COUNT =
  /^(quantity|qty|tax|taxes|vat|mwst|tva|iva|moms)|(quantity|qty|tax|taxes|taxamount|vatamount|vat)$/;

const kindOf = (name: string): AmountKind | null => {
  if (!WITH_OR_WITHOUT.test(name) && (NO_AMOUNT.test(name) || TAX_OR_COUNT.test(name) || isDiscount(name)))
    return null;
  return AMOUNTS.find(([, pattern]) => pattern.test(name))?.[0] ?? null;
};

/** The field of a column that the user named for `choice`. Throws an ImportError when the file has none. */
export const namedField = (header: readonly string[], chosen: string, choice: Choice): number => {
  const exact = header.indexOf(chosen);
  const field = exact >= 0 ? exact : header.map(bare).indexOf(bare(chosen));
  if (field >= 0) return field;
  throw new ImportError(`"${chosen}" is no column of this file. It has: ${listed(header)}`, choice);
};

const fieldOf = (role: Role, header: readonly string[], choices: ColumnChoices): number => {
  const chosen = choices[role];
  const bareNames = header.map(plain);
  if (chosen === "none" && MAY_BE_NONE.has(role)) return -1;
  if (chosen !== undefined) return namedField(header, chosen, role);
  if (role === "discount") return discountsOf(header)[0] ?? -1;
  for (const name of KNOWN[role]) {
    const field = bareNames.indexOf(name);
    if (field >= 0) return field;
  }
  return bareNames.findIndex(
    (name) =>
      CONTAINED[role]?.test(name) === true &&
      !KNOWN.zone.includes(name) &&
      (role === "quantity" || role === "order" || (!NUMBER_OF_A_THING.test(name) && kindOf(name) === null)),
  );
};

const listed = (header: readonly string[]): string => header.map((name) => `"${name.trim()}"`).join(", ");
