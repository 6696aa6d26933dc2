/**
 * The columns of a sales file. A column named by the user is taken; the others are guessed from the headers of common
 * point-of-sale exports. Callers show the guess, so that a wrong one is seen before anything is sent.
 */
const ROLES = ["timestamp", "date", "time", "store", "drink", "price", "quantity"] as const;
export type ColumnRole = (typeof ROLES)[number];
/** Header names as the user gave them; the quantity may be "none". */
export type ColumnChoices = { readonly [role in ColumnRole]?: string };
/** Field numbers, -1 for a column that the file does not have. */
export type Columns = { readonly [role in ColumnRole]: number };

/** The file cannot be imported with these choices; a caller adds how its user makes the choice that is named. */
export class ImportError extends Error {
  readonly choice: ColumnRole | "dateOrder";
  constructor(message: string, choice: ImportError["choice"]) {
    super(message);
    this.choice = choice;
  }
}

const names = (...lines: string[]): string[] => lines.join(" ").split(" ");

/** Best first, in the form `bare` gives: letters and digits of the header in lower case. */
const KNOWN: Readonly<Record<ColumnRole, readonly string[]>> = {
  timestamp: names(
    "timestamp datetime transactiondatetime transactiontimestamp orderdatetime ordertimestamp saledatetime",
    "saletimestamp eventtime soldat orderedat createdat closedat paidat purchasedat created",
  ),
  date: names("date transactiondate orderdate saledate salesdate businessdate purchasedate invoicedate day"),
  time: names("time transactiontime ordertime saletime salestime purchasetime invoicetime timeofday"),
  store: names(
    "store storelocation storename location locationname shop shopname branch branchname outlet outletname cafe site",
    "storeid locationid shopid branchid",
  ),
  drink: names(
    "drink drinkname beverage coffeename itemname item items productname product producttype productdetail menuitem",
    "coffeetype coffee article description itemdescription productcategory",
  ),
  price: names(
    "price unitprice itemprice saleprice priceperunit amount total totalprice totalamount linetotal netsales net",
    "grosssales gross money revenue value sales transactionamount",
  ),
  quantity: names("quantity qty transactionqty orderqty itemqty quantitysold units unitssold count"),
};

/** What a header may contain when none is known by its full name; never the number of a thing. */
const CONTAINED: Readonly<Record<ColumnRole, RegExp>> = {
  timestamp: /datetime|timestamp/,
  date: /date/,
  time: /time$|^time/,
  store: /store|location|shop|branch|outlet/,
  drink: /drink|beverage|product|item|coffee/,
  price: /price|amount/,
  quantity: /quantity|qty/,
};
const NUMBER_OF_A_THING = /(id|no|number|code|count|qty|quantity)$/;

/** Which field of a record is what. Throws an ImportError that lists the headers when a needed column is missing. */
export const columnsOf = (
  header: readonly string[],
  choices: ColumnChoices,
  hasStoreName: boolean,
): Columns => {
  const found = Object.fromEntries(ROLES.map((role) => [role, fieldOf(role, header, choices)])) as Record<
    ColumnRole,
    number
  >;
  // a whole timestamp is preferred to its parts, unless the user named the parts
  const isByParts = choices.timestamp === undefined && (choices.date ?? choices.time) !== undefined;
  if (isByParts || found.timestamp < 0) found.timestamp = -1;
  else [found.date, found.time] = [-1, -1];
  if (hasStoreName) found.store = -1;
  const required: [ColumnRole, boolean][] = [
    ["timestamp", found.timestamp >= 0 || found.date >= 0],
    ["store", found.store >= 0 || hasStoreName],
    ["drink", found.drink >= 0],
    ["price", found.price >= 0],
  ];
  const missing = required.find(([, isThere]) => !isThere)?.[0];
  if (missing !== undefined)
    throw new ImportError(`which column is the ${missing}? The file has: ${listed(header)}`, missing);
  // "total" times a quantity would count it twice; only a price whose header is per unit is multiplied by default
  const isPerUnit = /unit|each/.test(bare(header[found.price] ?? ""));
  if (choices.quantity === undefined && !isPerUnit) found.quantity = -1;
  return found;
};

/** The columns in words, for the user to check. */
export const describeColumns = (columns: Columns, header: readonly string[]): string =>
  ROLES.filter((role) => columns[role] >= 0)
    .map((role) => `${role} = "${header[columns[role]]}"`)
    .join(", ");

/** A quantity column that the guess left alone, because the price may already be that of the whole row. */
export const unusedQuantity = (
  columns: Columns,
  header: readonly string[],
  choices: ColumnChoices,
): string | null => {
  if (columns.quantity >= 0 || choices.quantity !== undefined) return null;
  return header.find((name) => KNOWN.quantity.includes(bare(name))) ?? null;
};

const fieldOf = (role: ColumnRole, header: readonly string[], choices: ColumnChoices): number => {
  const chosen = choices[role];
  const bareNames = header.map(bare);
  if (chosen === "none" && role === "quantity") return -1;
  if (chosen !== undefined) {
    const exact = header.indexOf(chosen);
    const field = exact >= 0 ? exact : bareNames.indexOf(bare(chosen));
    if (field >= 0) return field;
    throw new ImportError(`"${chosen}" is no column of this file. It has: ${listed(header)}`, role);
  }
  for (const name of KNOWN[role]) {
    const field = bareNames.indexOf(name);
    if (field >= 0) return field;
  }
  return bareNames.findIndex(
    (name) => CONTAINED[role].test(name) && (role === "quantity" || !NUMBER_OF_A_THING.test(name)),
  );
};

const listed = (header: readonly string[]): string => header.map((name) => `"${name.trim()}"`).join(", ");

const bare = (name: string): string => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
