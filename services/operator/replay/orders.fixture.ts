/** Files with amounts of whole orders, and with discounts in percent: taken for money of the line, the total is wrong. */
import type { Export } from "./exports.fixture.ts";

/** Two lines of 9.00 and 3.00 in one order, one of 4.75 in another. */
const linesWith = (discount: string, [first = "", second = "", third = ""]: readonly string[]): string[] => [
  `Date,Store,Item,Quantity,Unit price,Line total,${discount},Order ID`,
  `2026-11-28 08:00,Mill,Latte,2,4.50,9.00,${first},A`,
  `2026-11-28 08:00,Mill,Tea,1,3.00,3.00,${second},A`,
  `2026-11-28 08:01,Mill,Mocha,1,4.75,4.75,${third},B`,
];

const PERCENT = [
  "Discount %",
  "Discount (%)",
  "Discount percent",
  "Rabatt %",
  "Rabatt in Prozent",
  "Discount pct",
];

export const ORDERS: readonly Export[] = [
  ...PERCENT.map((header) => ({
    till: `${header}: a share of the line`,
    lines: linesWith(header, ["10", "0", "0"]),
    total: "15.85",
    orders: 3,
    notes: [`less "${header}", 15.85`],
  })),
  {
    till: "a share as spreadsheets write it",
    lines: linesWith("Discount %", ["0.1", "0", "0"]),
    total: "15.85",
    orders: 3,
  },
  {
    till: "an order's share on its first line",
    lines: linesWith("Order discount %", ["10", "", "0"]),
    total: "15.55",
    orders: 3,
    notes: ['"Unit price" × "Quantity" less "Order discount %" would be 15.85'],
  },
  ...["Order discount", "Discount", "Discount Amount", "Promo discount"].map((header) => ({
    till: `${header}: the same on all lines of an order`,
    lines: linesWith(header, ["2.00", "2.00", "0.00"]),
    total: "14.75",
    orders: 3,
    notes: [
      `taken is "Unit price" × "Quantity" less "${header}" once per order, 14.75`,
      `less "${header}" would be 12.75 (--price "Unit price" --quantity "Quantity" --discount "${header}" --order none)`,
    ],
  })),
  {
    till: "the option that the note of a repeated discount names",
    lines: linesWith("Discount", ["2.00", "2.00", "0.00"]),
    args: ["--price", "Unit price", "--quantity", "Quantity", "--discount", "Discount", "--order", "none"],
    total: "12.75",
    orders: 3,
    notes: ['less "Discount" once per order would be 14.75', '--order "Order ID")'],
  },
  {
    till: "a discount that is named as that of the line",
    lines: linesWith("Line discount", ["2.00", "2.00", "0.00"]),
    total: "12.75",
    orders: 3,
  },
  {
    till: "Bonrabatt on an order's first line",
    lines: [
      "Bon-Nr.;Datum;Filiale;Artikel;Menge;Einzelpreis;Bonrabatt",
      "1;28.11.2026 08:00;Mühle;Tee;1;3,00;5,00",
      "1;28.11.2026 08:00;Mühle;Kaffee;2;4,50;",
      "2;28.11.2026 08:01;Mühle;Mokka;1;4,75;0,00",
    ],
    total: "11.75",
    orders: 2,
    leftOut: { zero: 1 },
    notes: ['"Einzelpreis" × "Menge" would be 16.75'],
  },
  {
    till: "a discount that is more than its order",
    lines: linesWith("Order discount", ["20.00", "", "0.00"]),
    total: "4.75",
    orders: 1,
    leftOut: { zero: 2 },
    notes: ['8.00 in "Order discount" is more than the lines of its orders cost, and is not subtracted'],
  },
  {
    till: "discounts of the line and of the order",
    lines: [
      "Date,Store,Item,Quantity,Unit price,Item discount,Order discount,Order ID",
      "2026-11-28 08:00,Mill,Latte,2,4.50,1.00,2.00,A",
      "2026-11-28 08:00,Mill,Tea,1,3.00,0.00,2.00,A",
    ],
    total: "11.00",
    orders: 2,
    notes: [
      'the discounts in "Order discount" are not subtracted; --discount "Order discount" subtracts them instead',
      'less "Order discount" once per order would be 10.00',
    ],
  },
  {
    till: "net sales and a discount of whole orders",
    lines: [
      "Order ID,Date,Store,Item,Net sales,Order discount",
      "1,2026-11-28 08:00,Mill,Latte,9.00,2.00",
      "1,2026-11-28 08:00,Mill,Tea,3.00,2.00",
    ],
    total: "12.00",
    orders: 2,
    notes: ['"Net sales" less "Order discount" once per order would be 10.00'],
  },
  {
    till: "vouchers, which may be a payment",
    lines: linesWith("Voucher amount", ["2.00", "2.00", ""]),
    total: "16.75",
    orders: 3,
    notes: [
      'less "Voucher amount" once per order would be 14.75',
      'the discounts in "Voucher amount" are not subtracted; --discount "Voucher amount" subtracts them',
    ],
  },
  {
    till: "money off under a header with the share",
    lines: linesWith("10% off", ["0.90", "0.30", ""]),
    total: "15.55",
    orders: 3,
  },
  {
    till: "prices after a discount",
    lines: [
      "Datum;Filiale;Artikel;Preis;Preis nach Rabatt;Rabattcode",
      "28.11.2026 08:00;Mühle;Tee;3,00;2,50;10",
    ],
    total: "3.00",
    orders: 1,
  },
  {
    till: "orders whose amounts are chosen, once for each",
    lines: [
      "Order ID,Created at,Store,Item,Order Total",
      "501,2026-11-29 08:00:00,Mill,Latte,11.75",
      "501,2026-11-29 08:00:00,Mill,Cappuccino,11.75",
      "502,2026-11-29 08:30:00,Mill,Mocha,9.50",
      "501,2026-11-29 08:00:00,Mill,Tea,11.75",
    ],
    args: ["--price", "Order Total"],
    total: "21.25",
    orders: 2,
    leftOut: { "later line of an order that is one sale": 2 },
    notes: ['"Order Total" would be 44.75 (--price "Order Total" --order none)'],
  },
  {
    till: "orders whose amounts are added up per line, as the user wants",
    lines: [
      "Order ID,Created at,Store,Item,Order Total",
      "501,2026-11-29 08:00:00,Mill,Latte,11.75",
      "501,2026-11-29 08:00:00,Mill,Tea,11.75",
    ],
    args: ["--order", "none"],
    total: "23.50",
    orders: 2,
    notes: ['"Order Total" once per order would be 11.75 (--price "Order Total" --order "Order ID")'],
  },
  {
    till: "Zeit with date and time, and an order's amount on its first line",
    lines: [
      "Bestellung;Zeit;Laden;Getränk;Betrag;Summe",
      "1;2026-11-28 08:00;Mühle;Kaffee;4,50;7,50",
      "1;2026-11-28 08:00;Mühle;Tee;3,00;",
    ],
    total: "7.50",
    orders: 2,
    notes: ['once for each, to "Summe" 7.50'],
  },
  {
    till: "another column that has no amount on some rows",
    lines: [
      "Time of sale,Branch,Item,Betrag,Summe",
      "2026-11-28 08:00,Mill,Latte,4.50,11.75",
      "2026-11-28 08:00,Mill,Tea,3.00,",
    ],
    total: "7.50",
    orders: 2,
    notes: ['"Summe" would be 11.75 with 1 bad rows (--price "Summe")'],
  },
  ...(
    [
      [[], "38.00", 6, {}, '"Price" once per order would be 22.25 (--price "Price" --order "Order ID")'],
      [
        ["--price", "Price", "--order", "Order ID"],
        "22.25",
        4,
        { "later line of an order that is one sale": 2 },
        '"Price" would be 38.00 (--price "Price" --order none)',
      ],
    ] as const
  ).map(([args, total, orders, leftOut, note]) => ({
    till: `a price that is the same on all lines of each order, ${total}`,
    lines: [
      "Order ID,Date,Time,Store,Item,Price",
      "1,2026-11-28,08:00,Mill,latte,9.25",
      "1,2026-11-28,08:00,Mill,mocha,9.25",
      "2,2026-11-28,08:10,Mill,tea,3.00",
      "3,2026-11-28,08:20,Mill,tea,6.50",
      "3,2026-11-28,08:20,Mill,americano,6.50",
      "4,2026-11-28,08:20,Mill,americano,3.50",
    ],
    args,
    total,
    orders,
    leftOut,
    notes: [note],
  })),
  {
    till: "refunds as money in a column of their own",
    lines: [
      "Date,Time,Store,Item,Qty,Sales,Refund",
      "2026-11-28,08:00,Mill,latte,1,4.50,0.00",
      "2026-11-28,08:12,Mill,mocha,1,0.00,4.75",
      "2026-11-28,08:13,Mill,mocha,1,4.75,4.75",
    ],
    total: "9.25",
    orders: 2,
    leftOut: { zero: 1 },
    notes: ['1 of the sales have an amount in "Refund", which is not subtracted'],
  },
  {
    till: "a receipt's discount on a line of its own",
    lines: [
      "Receipt,Date,Time,Store,Item,Qty,Price",
      "1,2026-11-28,08:00,Mill,latte,1,4.50",
      "2,2026-11-28,08:10,Mill,mocha,1,4.75",
      "2,2026-11-28,08:10,Mill,Discount 10%,1,-0.48",
      "2,2026-11-28,08:10,Mill,Total,,4.27",
    ],
    total: "9.25",
    orders: 2,
    leftOut: { "discount on a line of its own": 1, "totals row": 1 },
  },
];
