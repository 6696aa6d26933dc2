/** Tables that a café's own program or spreadsheet may write, and in which a wrong total would not be seen. */
import type { Export } from "./exports.fixture.ts";

export const TABLES: readonly Export[] = [
  {
    till: "an order's total on each of its lines",
    lines: [
      "Order ID,Order Date,Store,Item Name,Item Qty,Item Price,Order Total",
      "7001,2026-03-02 08:05,Mill,Latte,2,4.50,12.00",
      "7001,2026-03-02 08:05,Mill,Tea,1,3.00,12.00",
      "7002,2026-03-02 08:15,Mill,Latte,1,4.50,4.50",
    ],
    total: "16.50",
    orders: 3,
  },
  {
    till: "lines of an order without number and date",
    lines: [
      "Receipt No,Date,Time,Store,Item,Qty,Unit Price",
      "81,2026-03-02,08:05,Mill,Latte,2,4.50",
      ",,,,Tea,1,3.00",
      "82,2026-03-02,08:15,Mill,Latte,1,4.50",
      ",,,,,,16.50",
    ],
    total: "16.50",
    orders: 3,
    leftOut: { "totals row": 1 },
  },
  {
    till: "a price that grows with the quantity is that of the line",
    lines: [
      "Date,Time,Store,Item,Qty,Price",
      "2026-03-02,08:05,Mill,Latte,1,4.50",
      "2026-03-02,08:06,Mill,Latte,2,9.00",
      "2026-03-02,08:07,Mill,Latte,3,13.50",
    ],
    total: "27.00",
    orders: 3,
    notes: ['taken is "Price", 27.00', '"Price" × "Qty" would be 63.00'],
  },
  {
    till: "a price that does not grow with the quantity is that of one",
    lines: [
      "Date,Time,Store,Item,Qty,Price",
      "2026-03-02,08:05,Mill,Latte,1,4.50",
      "2026-03-02,08:06,Mill,Latte,3,4.50",
    ],
    total: "18.00",
    orders: 2,
    notes: ['taken is "Price" × "Qty", 18.00', '"Price" would be 9.00 (--price "Price" --quantity none)'],
  },
  {
    till: "totals of each day, and text below the table",
    lines: [
      "Date,Time,Store,Item,Price",
      "2026-03-14,08:52,Mill,Latte,4.50",
      "Total 14/03/2026,,,,4.50",
      "2026-03-15,08:52,Mill,Tea,3.00",
      "Grand total,,,,7.50",
      "Generated on 2026-04-01,,,,",
      "Page 1 of 1",
    ],
    total: "7.50",
    orders: 2,
    leftOut: { "totals row": 2, "no date and no drink": 1, "line of text": 1 },
  },
  {
    till: "two exports in one file",
    lines: [
      "Date,Time,Store,Item,Price",
      "2026-03-14,08:52,Mill,Latte,4.50",
      "Date,Time,Store,Item,Price",
      "2026-03-15,08:52,Mill,Latte,4.50",
    ],
    total: "9.00",
    orders: 2,
    leftOut: { "repeated header": 1 },
  },
  {
    till: "discounts in percent",
    lines: [
      "Date,Time,Store,Item,Qty,Unit Price,Discount",
      "2026-03-14,08:52,Mill,Latte,2,4.50,10%",
      "2026-03-14,08:53,Mill,Latte,1,4.50,0%",
    ],
    total: "12.60",
    orders: 2,
    notes: ['"Unit Price" × "Qty" would be 13.50'],
  },
  {
    till: "discounts that are names",
    lines: [
      "Date,Time,Store,Item,Qty,Price,Discount",
      "2026-03-14,08:52,Mill,Latte,1,4.50,Happy hour",
      "2026-03-14,08:53,Mill,Latte,1,4.50,",
    ],
    total: "9.00",
    orders: 2,
  },
  {
    till: "an empty column of net sales",
    lines: ["Date,Store,Item,Gross Sales,Discounts,Net Sales", "2026-03-14 08:52,Mill,Latte,4.50,-0.50,"],
    total: "4.00",
    orders: 1,
  },
  {
    till: "statuses of several words",
    lines: [
      "Date,Time,Store,Item,Amount,Status",
      "2026-03-14,08:52,Mill,Latte,4.50,Completed",
      "2026-03-14,08:53,Mill,Latte,4.50,Refunded (full)",
      "2026-03-14,08:54,Mill,Latte,4.50,Cancelled by customer",
      "2026-03-14,08:55,Mill,Latte,4.50,Not refunded",
      "2026-03-14,08:56,Mill,Latte,4.50,On the house",
    ],
    total: "13.50",
    orders: 3,
    leftOut: { "Status = Refunded (full)": 1, "Status = Cancelled by customer": 1 },
    notes: ["1 rows have Status = On the house and count as sales in full"],
  },
  {
    till: "the user's own choice of rows, in a column with words of its own",
    lines: [
      "Date,Time,Store,Item,Amount,Status",
      "2026-03-14,08:52,Mill,Latte,4.50,Open",
      "2026-03-14,08:53,Mill,Latte,4.50,X9",
    ],
    args: ["--leave-out", "Status=x9, Y7"],
    total: "4.50",
    orders: 1,
    leftOut: { "Status = X9": 1 },
    notes: ["no row has Status = Y7, which --leave-out names"],
  },
  {
    till: "names in both forms of Unicode",
    lines: [
      "Date,Time,Store,Item,Price",
      "2026-03-14,08:52,Café Nord,Latte\u200b,4.50",
      "2026-03-14,09:10,Cafe\u0301 Nord,Latte,4.50",
    ],
    total: "9.00",
    orders: 2,
  },
  {
    till: "hours that happen twice or never, in the file's own time zone",
    lines: [
      "Date,Time,Time Zone,Location,Item,Net Sales",
      `2025-11-02,01:30:00,Eastern Time (US & Canada),Corner,Drip,$3.00`,
      `2026-03-08,02:30:00,Eastern Time (US & Canada),Corner,Drip,$3.00`,
    ],
    total: "6.00",
    orders: 2,
    notes: [
      "1 of the sales are in an hour that happens twice",
      "1 of the sales are in an hour that never happens",
    ],
  },
];
