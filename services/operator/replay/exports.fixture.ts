/** Exports in the columns of real tills, with made-up sales. One line of a file is one line here, however long. */

export type Export = {
  readonly till: string;
  readonly lines: readonly string[];
  readonly args?: readonly string[];
  /** Of the sales alone, as a person would add them up. */
  readonly total: string;
  readonly orders: number;
  readonly leftOut?: Readonly<Record<string, number>>;
  /** Parts of the notes. */
  readonly notes?: readonly string[];
};

const SQUARE =
  "Date,Time,Time Zone,Category,Item,Qty,Price Point Name,SKU,Modifiers Applied,Gross Sales,Discounts,Net Sales,Tax,Transaction ID,Event Type,Location,Unit,Count,Itemization Type";
const EASTERN = "Eastern Time (US & Canada)";
const SHOPIFY =
  "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem fulfillment status,Lineitem discount,Cancelled at,Refunded Amount,Vendor,Location";
const TOAST =
  "Location,Order Id,Order #,Sent Date,Order Date,Check Id,Server,Item Selection Id,Menu Item,Menu Group,Gross Price,Discount,Net Price,Qty,Tax,Void?,Deferred,Tax Exempt,Tax Inclusion Option";
const LOYVERSE =
  "Date,Receipt number,Receipt type,Category,SKU,Item,Variant,Modifiers applied,Quantity,Gross sales,Discounts,Net sales,Cost of goods,Gross profit,Taxes,Dining option,POS,Store,Status";
const CLOVER =
  "Line Item Date,Order Date,Order ID,Order Employee Name,Item ID,Item Name,Item SKU,Store,Per Unit Quantity,Per Unit Price,Item Revenue,Discounts,Tax Amount,Refunded,Order Payment State";

export const EXPORTS: readonly Export[] = [
  {
    till: "Square items: net sales, refunds by event type, the file's time zone",
    lines: [
      SQUARE,
      `2026-03-02,08:05:11,${EASTERN},Coffee,Drip,2.0,Regular,D1,,$6.00,$0.00,$6.00,$0.48,T1,Payment,Corner,,2,Physical Good`,
      `2026-03-02,08:06:40,${EASTERN},Coffee,Latte,1.0,Large,L2,"Oat Milk, Extra Shot",$6.50,-$1.50,$5.00,$0.40,T2,Payment,Corner,,1,Physical Good`,
      `2026-03-02,08:30:00,${EASTERN},Coffee,Drip,-1.0,Regular,D1,,-$3.00,$0.00,-$3.00,-$0.24,T3,Refund,Corner,,-1,Physical Good`,
      `2026-03-02,08:40:00,${EASTERN},Coffee,Drip,1.0,Regular,D1,,$3.00,-$3.00,$0.00,$0.00,T4,Payment,Corner,,1,Physical Good`,
    ],
    total: "11.00",
    orders: 2,
    leftOut: { "Event Type = Refund": 1, zero: 1 },
    notes: ['taken is "Net Sales", 11.00', '"Gross Sales" would be 15.50 (--price "Gross Sales"'],
  },
  {
    till: "Shopify orders: price times quantity, the order's fields on its first line, undone orders",
    lines: [
      SHOPIFY,
      "#2001,a@x.example,paid,2026-03-02 09:10:00 -0500,fulfilled,USD,19.00,0.00,1.52,20.52,,0.00,2026-03-02 09:09:58 -0500,2,Latte,4.50,,fulfilled,0.00,,0.00,House,Main St",
      "#2001,a@x.example,,,,,,,,,,,2026-03-02 09:09:58 -0500,1,House Beans 250g,10.00,,fulfilled,0.00,,,House,",
      "#2002,b@x.example,paid,2026-03-02 10:15:00 -0500,fulfilled,USD,3.25,0.00,0.26,3.51,,0.00,2026-03-02 10:14:50 -0500,1,Espresso,3.25,,fulfilled,0.00,,0.00,House,Main St",
      "#2003,c@x.example,refunded,2026-03-02 10:20:00 -0500,restocked,USD,9.00,0.00,0.72,9.72,,0.00,2026-03-02 10:20:00 -0500,1,Latte,4.50,,fulfilled,0.00,,9.72,House,Main St",
      "#2003,c@x.example,,,,,,,,,,,2026-03-02 10:20:00 -0500,1,Mocha,4.50,,fulfilled,0.00,,,House,",
      "#2004,d@x.example,pending,,,USD,4.50,0.00,0.36,4.86,,0.00,2026-03-02 10:30:00 -0500,1,Latte,4.50,,pending,0.00,,0.00,House,Main St",
      "#2005,e@x.example,paid,2026-03-02 10:40:00 -0500,,USD,4.50,0.00,0.36,4.86,,0.00,2026-03-02 10:40:00 -0500,1,Latte,4.50,,pending,0.00,2026-03-02 11:00:00 -0500,0.00,House,Main St",
      "#2006,f@x.example,partially_refunded,2026-03-02 10:50:00 -0500,fulfilled,USD,8.00,0.00,0.64,8.64,,1.00,2026-03-02 10:50:00 -0500,2,Latte,4.50,,fulfilled,1.00,,4.00,House,Main St",
    ],
    total: "30.25",
    orders: 4,
    leftOut: { "Financial Status = refunded": 2, "Financial Status = pending": 1, "Cancelled at is set": 1 },
    notes: [
      "1 rows have Financial Status = partially_refunded and count as sales in full",
      '--leave-out "Financial Status=partially_refunded"',
      '"Lineitem price" × "Lineitem quantity" would be 31.25',
      '1 of the sales have an amount in "Refunded Amount", which is not subtracted',
    ],
  },
  {
    till: "Toast item selections: net price, voids, the date of the order",
    lines: [
      TOAST,
      "Riverside,9001,51,3/2/26 8:05 AM,3/2/26 8:04 AM,c1,A,s1,Cappuccino,Coffee,4.75,0.00,4.75,1.0,0.38,false,false,false,Tax Not Included",
      "Riverside,9001,51,3/2/26 8:05 AM,3/2/26 8:04 AM,c1,A,s2,Cold Brew,Coffee,5.00,1.00,4.00,1.0,0.32,false,false,false,Tax Not Included",
      "Riverside,9002,52,3/2/26 8:15 AM,3/2/26 8:14 AM,c2,A,s3,Cappuccino,Coffee,4.75,0.00,4.75,1.0,0.38,true,false,false,Tax Not Included",
      "Riverside,9003,53,3/14/26 9:15 AM,3/14/26 9:14 AM,c3,A,s4,Cappuccino,Coffee,9.50,0.00,9.50,2.0,0.76,false,false,false,Tax Not Included",
    ],
    total: "18.25",
    orders: 3,
    leftOut: { "Void? = true": 1 },
    notes: ['"Gross Price" would be 19.25'],
  },
  {
    till: "Loyverse receipts by item: cancelled receipts and refunds",
    lines: [
      `\uFEFF${LOYVERSE}`,
      "3/2/26 8:05 AM,1-0001,Sale,Coffee,10001,Flat White,,,2.000,8.00,0.00,8.00,2.00,6.00,0.00,Takeout,POS 1,Harbour,Closed",
      "3/2/26 8:09 AM,1-0002,Sale,Coffee,10002,Espresso,,,1.000,2.50,0.50,2.00,0.60,1.40,0.00,Dine in,POS 1,Harbour,Closed",
      "3/2/26 8:20 AM,1-0003,Sale,Coffee,10001,Flat White,,,1.000,4.00,0.00,4.00,1.00,3.00,0.00,Dine in,POS 1,Harbour,Cancelled",
      "3/2/26 8:40 AM,1-0004,Refund,Coffee,10001,Flat White,,,1.000,4.00,0.00,4.00,1.00,3.00,0.00,Dine in,POS 1,Harbour,Closed",
      "3/14/26 9:00 AM,1-0005,Sale,Coffee,10002,Espresso,,,1.000,2.50,0.00,2.50,0.60,1.90,0.00,Dine in,POS 1,Harbour,Closed",
    ],
    total: "12.50",
    orders: 3,
    leftOut: { "Status = Cancelled": 1, "Receipt type = Refund": 1 },
  },
  {
    till: "Loyverse in Spanish",
    lines: [
      "Fecha,Número de recibo,Tipo de recibo,Categoría,REF,Artículo,Variante,Cantidad,Ventas brutas,Descuentos,Ventas netas,Costo de los bienes,Beneficio bruto,Impuestos,TPV,Tienda,Estado",
      "14/03/26 8:05,1-0001,Venta,Café,1,Cortado,,2.000,8.00,1.00,7.00,2.00,5.00,0.00,TPV 1,Puerto,Cerrado",
      "14/03/26 8:06,1-0002,Reembolso,Café,1,Cortado,,1.000,4.00,0.00,4.00,1.00,3.00,0.00,TPV 1,Puerto,Cerrado",
      "14/03/26 8:07,1-0003,Venta,Café,1,Cortado,,1.000,4.00,0.00,4.00,1.00,3.00,0.00,TPV 1,Puerto,Cancelado",
    ],
    total: "7.00",
    orders: 1,
    leftOut: { "Tipo de recibo = Reembolso": 1, "Estado = Cancelado": 1 },
    notes: ['"Ventas brutas" would be 8.00'],
  },
  {
    till: "Clover line items: refunds, orders that are not paid, discounts, zones in the time",
    lines: [
      CLOVER,
      "16-Dec-2025 02:44 PM EST,16-Dec-2025 02:44 PM EST,AAA1,Emp,IT1,Latte,L,Dock St,1,4.50,4.50,0.00,0.36,No,Paid",
      "16-Dec-2025 03:05 PM EST,16-Dec-2025 03:05 PM EST,AAA2,Emp,IT2,Mocha,M,Dock St,1,5.00,5.00,-1.00,0.32,No,Paid",
      "16-Dec-2025 03:10 PM EST,16-Dec-2025 03:10 PM EST,AAA3,Emp,IT2,Mocha,M,Dock St,1,5.00,5.00,0.00,0.40,Yes,Paid",
      "16-Dec-2025 03:20 PM EST,16-Dec-2025 03:20 PM EST,AAA4,Emp,IT2,Mocha,M,Dock St,1,5.00,5.00,0.00,0.40,No,Open",
    ],
    total: "8.50",
    orders: 2,
    leftOut: { "Refunded = Yes": 1, "Order Payment State = Open": 1 },
    notes: [
      'taken is "Item Revenue" less "Discounts", 8.50',
      '"Per Unit Price" × "Per Unit Quantity" would be 9.50',
    ],
  },
  {
    till: "Vend and Lightspeed X sales history: a row for the sale, its lines and its payment",
    lines: [
      "Date,Receipt Number,Line Type,Customer Name,Note,Quantity,Subtotal,Sales Tax,Discount,Loyalty,Total,Paid,Details,Register,User,Status,SKU,Outlet",
      "2026-03-02 08:05:00,501,Sale,,,3,11.50,1.15,0.00,0,12.65,12.65,,Main,Ann,CLOSED,,Pier",
      "2026-03-02 08:05:00,501,Sale Line,,,2,8.00,0.80,0.00,0,8.80,,Flat White,Main,Ann,CLOSED,FW,Pier",
      "2026-03-02 08:05:00,501,Sale Line,,,1,3.50,0.35,0.00,0,3.85,,Tea,Main,Ann,CLOSED,TE,Pier",
      "2026-03-02 08:05:00,501,Payment,,,,,,,,12.65,12.65,Cash,Main,Ann,CLOSED,,Pier",
      "2026-03-02 09:05:00,502,Sale,,,1,3.50,0.35,0.00,0,3.85,3.85,,Main,Ann,VOIDED,,Pier",
      "2026-03-02 09:05:00,502,Sale Line,,,1,3.50,0.35,0.00,0,3.85,,Tea,Main,Ann,VOIDED,TE,Pier",
    ],
    total: "11.50",
    orders: 2,
    leftOut: { "Line Type = Sale": 2, "Line Type = Payment": 1, "Status = VOIDED": 1 },
    notes: ['taken is "Subtotal", 11.50', '"Total" would be 12.65'],
  },
  {
    till: "Lightspeed K transactions: voids, recalls and transitory operations",
    lines: [
      "Id,Type,Date,Account,Item name,Quantity,Net amount,Gross amount,Location",
      "1,SALE,2026-03-02 08:05:00,A1,Latte,2,9.00,9.90,Quay",
      "2,VOID,2026-03-02 08:06:00,A1,Latte,-1,-4.50,-4.95,Quay",
      "3,RECALL,2026-03-02 08:07:00,A2,Tea,1,3.00,3.30,Quay",
      "4,SALE,2026-03-02 08:08:00,A3,Tea,1,3.00,3.30,Quay",
    ],
    total: "12.00",
    orders: 2,
    leftOut: { "Type = VOID": 1, "Type = RECALL": 1 },
  },
  {
    till: "SumUp sales: gross and net are with and without tax",
    lines: [
      "Date,Time,Type,Transaction ID,Quantity,Description,Currency,Price (Gross),Price (Net),Tax,Transaction refunded,Outlet",
      "2026-03-02,08:05,Sales,TX1,2,Latte,GBP,9.00,7.50,1.50,No,Park",
      "2026-03-02,08:06,Sales,TX2,1,Latte,GBP,4.50,3.75,0.75,No,Park",
      "2026-03-02,08:07,Sales,TX3,1,Latte,GBP,4.50,3.75,0.75,Yes,Park",
      "2026-03-02,08:08,Refund,TX4,1,Latte,GBP,4.50,3.75,0.75,No,Park",
    ],
    total: "11.25",
    orders: 2,
    leftOut: { "Transaction refunded = Yes": 1, "Type = Refund": 1 },
    notes: ['taken is "Price (Net)", 11.25', '"Price (Gross)" would be 13.50'],
  },
  {
    till: "Zettle in Swedish form: decimal commas, negative rows of returns",
    lines: [
      "Datum;Tid;Kvittonummer;Produkt;Variant;Antal;Pris;Rabatt;Slutpris (SEK);Butik",
      "2026-03-02;08.05;1;Kaffe;Liten;2;30,00;0,00;60,00;Söder",
      "2026-03-02;08.07;2;Kaffe;Liten;1;30,00;-5,00;25,00;Söder",
      "2026-03-02;08.09;3;Kaffe;Liten;-1;30,00;0,00;-30,00;Söder",
    ],
    total: "85.00",
    orders: 2,
    leftOut: { "negative (a refund)": 1 },
  },
  {
    till: "a café's Excel sheet in German: Storno, Summe, unit price and sum",
    lines: [
      "Verkäufe März",
      "",
      "Datum;Uhrzeit;Filiale;Artikel;Menge;Einzelpreis;Gesamtpreis;Status",
      "14.03.2026;08:52;Süd;Kaffee;2;3,50 €;7,00 €;bezahlt",
      "14.03.2026;08:55 Uhr;Süd;Tee;1;2,80 €;2,80 €;Storno",
      "14.03.2026;09:01;Süd;Kuchen;1;1.234,50 €;1.234,50 €;bezahlt",
      "Summe;;;;;;1.241,50 €;",
    ],
    total: "1 241.50",
    orders: 2,
    leftOut: { "Status = Storno": 1, "totals row": 1 },
    notes: ["the header is line 3", "the file's own total is 1 241.50: equal to the sales"],
  },
  {
    till: "Epos Now: with and without tax, refunds by negative quantity",
    lines: [
      "Date,Time,Location,Transaction Id,Product,Quantity,Discount,Total (Exc Tax),Tax,Total (Inc Tax)",
      "14/03/2026,08:52:10,Mill,1,Latte,2,0,7.50,1.50,9.00",
      "14/03/2026,08:53:10,Mill,2,Latte,-1,0,3.75,0.75,4.50",
    ],
    total: "7.50",
    orders: 1,
    leftOut: { "negative (a refund)": 1 },
    notes: ['"Total (Inc Tax)" would be 9.00'],
  },
  {
    till: "Revel: price of one, discount, voids",
    lines: [
      "Order ID,Created Date,Establishment,Product,Quantity,Price,Discount Amount,Tax Amount,Total,Voided",
      "1,03/14/2026 08:52 AM,Mill,Latte,2,4.50,1.00,0.64,8.64,No",
      "1,03/14/2026 08:52 AM,Mill,Tea,1,3.00,0.00,0.24,3.24,No",
      "2,03/14/2026 08:58 AM,Mill,Tea,1,3.00,0.00,0.24,3.24,Yes",
    ],
    total: "11.00",
    orders: 2,
    leftOut: { "Voided = Yes": 1 },
    notes: ['taken is "Price" × "Quantity" less "Discount Amount", 11.00', '"Total" would be 11.88'],
  },
  {
    till: "Lightspeed R lines: net of discounts",
    lines: [
      "Line ID,Sale ID,Time,Shop,Item,Quantity,Retail,Subtotal,Discount,Subtotal w/ Discounts,Tax,Total w/ Tax",
      "1,10,2026-03-14 08:52,Mill,Latte,2,4.50,9.00,1.00,8.00,0.80,8.80",
      "2,10,2026-03-14 08:52,Mill,Tea,1,3.00,3.00,0.00,3.00,0.30,3.30",
    ],
    args: ["--timestamp", "Time"],
    total: "11.00",
    orders: 2,
    notes: ['taken is "Subtotal w/ Discounts", 11.00'],
  },
  {
    till: "Shopify orders with a discount of the whole order",
    lines: [
      "Name,Financial Status,Currency,Subtotal,Taxes,Total,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Location",
      "#1,paid,USD,17.00,1.36,18.36,2.00,2026-03-02 09:09:58 -0500,2,Latte,4.50,Main",
      "#1,,,,,,,2026-03-02 09:09:58 -0500,1,Beans,10.00,",
      "#2,paid,USD,3.25,0.26,3.51,0.00,2026-03-02 09:19:58 -0500,1,Espresso,3.25,Main",
    ],
    total: "20.25",
    orders: 3,
    notes: [
      'taken is "Lineitem price" × "Lineitem quantity" less "Discount Amount" once per order, 20.25; "Lineitem price" × "Lineitem quantity" would be 22.25',
      'the lines add up to 20.25; columns with one amount for a whole order, once for each, to "Subtotal" 20.25, "Total" 21.87',
    ],
  },
  {
    till: "a database with amounts in cents",
    lines: [
      "created_at,store,item,amount_cents,currency,status",
      "2026-03-14T08:52:00Z,Mill,Latte,450,eur,succeeded",
      "2026-03-14T08:53:00Z,Mill,Tea,300,eur,succeeded",
      "2026-03-14T08:54:00Z,Mill,Tea,300,eur,failed",
    ],
    total: "7.50",
    orders: 2,
    leftOut: { "status = failed": 1 },
  },
];
