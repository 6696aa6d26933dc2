import iconv from "iconv-lite";
import { expect, test } from "vitest";
import { detectEncoding, encodingNamed } from "./encodings.ts";

const FRENCH = "Date;Heure;Magasin;Article;Prix\n14/03/2026;08:52;Café du Théâtre;Café crème;4,50\n";
const GERMAN = "Datum;Uhrzeit;Filiale;Artikel;Preis\n14.03.2026;08:52;Süd;Heiße Schokolade groß;4,50\n";
const POLISH =
  "Data;Godzina;Sklep;Produkt;Cena\n14.03.2026;08:52;Łódź;Kawa z pianką i żółtą śmietaną;4,50 zł\n";
const CZECH =
  "Datum;Čas;Pobočka;Položka;Cena\n14.03.2026;08:52;Náměstí Míru;Překapávaná káva, ještě šťáva;45 Kč\n";
const RUSSIAN = "Дата;Время;Магазин;Товар;Цена\n14.03.2026;08:52;Север;Латте большой;150\n";
const GREEK = "Ημερομηνία;Ώρα;Κατάστημα;Προϊόν;Τιμή\n14/03/2026;08:52;Αθήνα;Καφές ελληνικός;2,50\n";
const TURKISH = "Tarih;Saat;Mağaza;Ürün;Fiyat\n14.03.2026;08:52;İstanbul Şubesi;Türk kahvesi;45,00\n";
const JAPANESE = "日付,時刻,店舗,商品,価格\n2026/03/14,08:52,渋谷店,カフェラテ,450\n";
const CHINESE = "日期,时间,门店,商品,价格\n2026-03-14,08:52,上海店,拿铁咖啡,30\n";
const KOREAN = "날짜,시간,매장,상품,가격\n2026-03-14,08:52,강남점,카페라떼,4500\n";
const ONE = "Date,Time,Store,Item,Price\n2026-03-14,08:52,Nord,Café,4.50\n";

const decoded = async (bytes: Buffer) => {
  const chunks = async function* () {
    yield bytes;
  };
  const { name, sample } = await detectEncoding(chunks, bytes);
  return { text: iconv.decode(bytes, name), name, sample };
};

test.each([
  ["windows1252", FRENCH],
  ["windows1252", GERMAN],
  ["windows1252", ONE],
  ["windows1252", "Item,Price\nJoe\u2019s \u2013 latte,4.50 €\n"],
  ["macroman", FRENCH],
  ["macroman", GERMAN],
  ["macroman", ONE],
  ["cp850", FRENCH],
  ["cp850", ONE],
  ["windows1250", POLISH],
  ["iso88592", POLISH],
  ["windows1250", CZECH],
  ["windows1251", RUSSIAN],
  ["koi8r", RUSSIAN],
  ["cp866", RUSSIAN],
  ["windows1253", GREEK],
  ["windows1254", TURKISH],
  ["shiftjis", JAPANESE],
  ["gb18030", CHINESE],
  ["euckr", KOREAN],
  ["utf8", FRENCH],
  ["utf16le", ONE],
  ["utf16be", ONE],
])("reads a file of %s: %j", async (encoding, text) => {
  expect((await decoded(iconv.encode(text, encoding))).text).toBe(text);
});

test("shows a guess by a piece of text, and nothing where the bytes prove the encoding", async () => {
  expect((await decoded(iconv.encode(FRENCH, "windows1252"))).sample).toBe("Café du Théâtre");
  expect((await decoded(Buffer.from(FRENCH))).sample).toBeNull();
});

test("takes a file of UTF-8 with a damaged byte as UTF-8", async () => {
  const damaged = Buffer.concat([Buffer.from(FRENCH), Buffer.from([0xe9, 0x0a])]);
  expect((await decoded(damaged)).name).toBe("utf8");
});

test("knows the usual names of encodings", () => {
  expect(
    ["latin1", "ISO-8859-1", "ansi", "Windows-1252", "macintosh", "UTF-16LE"].map(encodingNamed),
  ).toEqual(["windows1252", "windows1252", "windows1252", "windows1252", "macroman", "utf16le"]);
  expect(["ebcdic", "base64", "hex", ""].map(encodingNamed)).toEqual([null, null, null, null]);
});
