/**
 * Headers of common point-of-sale exports, in the form `bare` gives, best first: Square, Shopify, Toast, Clover,
 * Loyverse, Lightspeed, Vend, SumUp, Zettle, Epos Now and files in eight languages.
 */
import { wordsIn } from "./words.ts";

/** Columns of a sale other than its amount. */
export const ROLES = [
  ...(["timestamp", "date", "time", "zone", "store", "drink"] as const),
  ...(["quantity", "discount", "currency", "order"] as const),
];
export type Role = (typeof ROLES)[number];

export const KNOWN: Readonly<Record<Role, readonly string[]>> = {
  timestamp: wordsIn(
    "timestamp datetime transactiondatetime transactiontimestamp orderdatetime ordertimestamp saledatetime",
    "saletimestamp eventtime soldat orderedat createdat closedat paidat purchasedat created datetimeclosed closedtime",
    "timedate dateandtime datumuhrzeit datumzeit dateheure fechahora fechayhora dataora dataeora datahora datumtid",
  ),
  date: wordsIn(
    "date transactiondate orderdate saledate salesdate businessdate purchasedate invoicedate lineitemdate receiptdate",
    "ordereddate closeddate opened day datum data fecha dato päivämäärä dag jour tarih дата 日付 日期 날짜",
  ),
  time: wordsIn(
    "time transactiontime ordertime saletime salestime purchasetime invoicetime timeofday receipttime",
    "uhrzeit zeit heure hora ora tijd tid klokkeslett tidspunkt godzina čas cas aika saat время 時刻 时间 時間 시간",
  ),
  zone: wordsIn("timezone tz zeitzone fuseauhoraire zonahoraria fusoorario"),
  store: wordsIn(
    "store storelocation storename location locationname shop shopname branch branchname outlet outletname cafe site",
    "sitename establishment restaurant restaurantname merchant venue unitname storeid locationid shopid branchid outletid",
    "filiale filiaal laden standort geschäft betrieb magasin boutique établissement etablissement tienda sucursal local",
    "negozio punto filial winkel vestiging loja butik butikk sklep pobočka prodejna mağaza şube магазин 店舗 门店 門市 매장",
  ),
  drink: wordsIn(
    "drink drinkname beverage coffeename lineitemname itemname item items productname product producttype",
    "productdetail menuitem menuitemname coffeetype coffee article articlename description itemdescription details",
    "productcategory name artikel produkt getränk bezeichnung artikelname produktname produit libellé libelle désignation",
    "designation producto artículo articulo descripción descripcion prodotto articolo descrizione omschrijving",
    "produto artigo descrição vare varenavn beskrivelse beskrivning položka polozka ürün товар наименование 商品 商品名 상품",
  ),
  quantity: wordsIn(
    "quantity qty lineitemquantity transactionqty orderqty itemqty itemquantity perunitquantity quantitysold qtysold",
    "units unitssold count menge anzahl stück quantité quantite qté qte cantidad cant quantità quantita qtà aantal",
    "quantidade qtd antal antall ilość ilosc množství mnozstvi počet adet количество 数量 數量 수량",
  ),
  discount: wordsIn(
    "lineitemdiscount itemdiscount linediscount discounts discount discountamount discounttotal totaldiscount",
    "discountvalue rabatt rabatte descuentos remises sconti descontos скидки nachlass remise réduction descuento sconto korting desconto rabat sleva",
  ),
  currency: wordsIn("currency currencycode curr währung devise moneda divisa valuta moeda waluta měna"),
  order: wordsIn(
    "order orderid orderno ordernumber ordername receipt receiptid receiptno receiptnumber transaction transactionid",
    "transactionno transactionnumber check checkid checkno checknumber ticket ticketid ticketno ticketnumber bill billno",
    "billnumber invoice invoiceno invoicenumber saleid salesid salenumber belegnr belegnummer bonnummer rechnungsnummer",
    "bestellnummer numéro ticketnr bonnr númeroderecibo numerodirecibo numéroderecu numérodereçu númerodorecibo",
  ),
};

/** What a header may contain when none is known by its full name; never the number of a thing. */
export const CONTAINED: Readonly<Partial<Record<Role, RegExp>>> = {
  timestamp: /datetime|timestamp/,
  date: /date|datum/,
  time: /time$|^time/,
  store: /store|location|shop|branch|outlet/,
  drink: /drink|beverage|product|item|coffee/,
  quantity: /quantity|qty/,
  order:
    /^(sales?)?(order|receipt|ticket|check|bill|invoice|transaction|bestellung|bestell|beleg|bon|rechnung|kassenbon|commande|pedido|orden|ordine|scontrino|kvitto|bestelling)s?(id|nr|no|number|nummer|numero|número|num|ref|reference)?$/,
};
export const NUMBER_OF_A_THING = /(id|no|number|code|count|qty|quantity|sku|plu)$/;

/** Amounts that are no revenue of a line. */
export const NO_AMOUNT =
  /^(tip|fee|surcharge|servicecharge|delivery)|cost|cogs|profit|margin|commission|tip$|tips|gratuity|fees?$|refund|compare|shipping|balance|tendered|change|loyalty|points|percent|rate$|code$|name$|type$|id$|method|reason|status|option|items$|units$|orders$|guests|covers|modifier/;

/** Headers that end with a tax or a discount and are amounts with or without it. */
export const WITH_OR_WITHOUT =
  /(ex|exc|excl|excluding|exclusive|inc|incl|including|inclusive|w|wo|with|without|after|before|less)(of)?(tax|taxes|vat|gst|discounts?)$/;

export type AmountKind = "net" | "gross" | "unit" | "price" | "total";
/**
 * What an amount of a header is, first match first. `net` is a line's revenue after discounts or before tax, `gross` is
 * before discounts, `unit` is the price of one, `price` may be that of one or of the line, `total` is of the line or the
 * order.
 */
export const AMOUNTS: readonly (readonly [AmountKind, RegExp])[] = [
  // a price with tax: of one, or of the line
  ["unit", /^pu(ht|ttc)?$/],
  ["price", /^(prix|prixdevente|tarif)ttc$/],
  ["total", /(inc|incl|including|inclusive|with|w)(of)?(tax|taxes|vat|gst)$/],
  [
    "unit",
    /unit(price|amount|value)|price(per)?(unit|item|each|piece)|perunitprice|^(each|lineitemprice)$|einzelpreis|stückpreis/,
  ],
  [
    "unit",
    /(prix|precio|prezzo|preço|preco)unit|stuksprijs|styckpris|stykpris|enhetspris|cenajednostkowa|jednotkovácena/,
  ],
  [
    "net",
    /^nett?(o|sales|price|amount|total|revenue|value|turnover)?$|^nett?(sales|price|amount|total|revenue|value)/,
  ],
  ["net", /(price|amount|total|sales|subtotal|revenue)nett?$|netto/],
  [
    "net",
    /(ventas|vendas)(netas|líquidas|liquidas)|ventesnettes|venditenette|nettoumsatz|nettoverkäufe|чистыепродажи/,
  ],
  ["gross", /(ventas|vendas)brutas|ventesbrutes|venditelorde|bruttoumsatz|bruttoverkäufe|валовыепродажи/],
  ["gross", /(before|without|wo|exc?l?|excluding)(of)?discounts?$/],
  ["net", /(after|less|with|w|inc?l?|including)(of)?discounts?$|^(totalrevenue|finalprice|discountedprice)$/],
  ["net", /(ex|exc|excl|excluding|exclusive|excludes|without|before|less|wo)(of)?(tax|taxes|vat|gst|mwst)$/],
  ["net", /^(prix|montant|total|ca|ventes)?ht$/],
  ["gross", /^(gross|itemrevenue|grossitemsales)(sales|price|amount|revenue|total|value)?$/],
  [
    "price",
    /^(item|sale|sales|retail|product|menu|list|selling|regular|drink)?price$|^(prix|preis|precio|prezzo|prijs|preço|preco|pris|cena|fiyat|цена|価格|单价|單價|가격|retail)$/,
  ],
  [
    "total",
    /^(line|item|total|sale|sales|order|transaction|gross|receipt|check)?(total|amount|value|revenue|subtotal)(price|amount|sales|revenue|spent|value)?$/,
  ],
  [
    "total",
    /^(money|sales|spent|betrag|summe|umsatz|gesamt|gesamtpreis|brutto|montant|importe|importo|bedrag|valor|belopp|beløb|kwota|částka|сумма|金額|金额|금액)$/,
  ],
  ["total", /amount|^total|total$|price|sales$|revenue|umsatz|betrag|ttc$/],
];
