/** What tills write about rows that are no completed sale, in the form `bare` gives. */
import { wordsIn } from "./words.ts";

/** Columns whose words say what became of a sale. A column with no known word in it is something else. */
export const STATUS_HEADER = /(status|state|statut|stato|estado|zustand|stav)$/;
/** Of parcels and addresses, and of the line's way to the customer. */
export const OTHER_STATUS =
  /fulfil|deliver|shipping|shipment|billing|customer|province|tax|sync|email|printed|marital/;
/** Columns whose words say what a row is. */
export const TYPE_HEADER =
  /^(type|typ|tipo|action|event|operation|vorgang|belegart|belegtyp|transactionkind|tipoderecibo|tipodorecibo|typedereçu|tipodiricevuta)$|^(receipt|event|transaction|sale|sales|record|row|entry|document|ticket|check|payment|void)type$/;
/** Columns whose words say which rows are lines of an order; Vend has a row for the sale and one for its payment too. */
export const LINE_HEADER = /^(line|record|row|entry|item|detail)?type$/;
/** Columns of yes and no. */
export const FLAG_HEADER =
  /^(is|was|transaction|order|item|line|sale)?(void|voided|refund|refunded|return|returned|cancel|cancelled|canceled|deleted|storno|storniert|annulé|annule|anulado|annullato|geannuleerd|training|trainingmode|test|testmode)$/;
/** Columns of yes and no whose no means that there is no sale; Vend has an amount in its column Paid. */
export const PAID_HEADER =
  /^(is)?(paid|payed|completed|closed|settled|captured|finali[sz]ed|bezahlt|payé|pagado|pagato|betaald)$/;
/** Columns that are empty unless the sale was undone. */
export const STAMP_HEADER =
  /^(order)?(void|voided|refund|refunded|cancel|cancelled|canceled|cancellation|deleted|return|returned)(at|on|date|datetime|time|timestamp|by|reason)$/;

/** Lines of an order, where the same column has OTHER_LINE_WORDS too. */
export const LINE_WORDS: ReadonlySet<string> = new Set(
  wordsIn(
    "saleline salesline lineitem line item product itemline productline detail orderitem orderline sku article",
  ),
);
export const OTHER_LINE_WORDS: ReadonlySet<string> = new Set(
  wordsIn(
    "sale sales payment tender tax vat shipping delivery fee fees servicecharge surcharge coupon discount tip gratuity",
    "total subtotal change rounding order header footer modifier comment note",
  ),
);

/** The row is no revenue: undone, never paid, or of a till in training. */
export const OUT_WORDS: ReadonlySet<string> = new Set(
  wordsIn(
    "void voided voids cancelled canceled cancel cancellation refund refunded refunds return returned reversed reversal",
    "chargeback chargedback deleted removed failed failure declined rejected denied error errorcorrect aborted abandoned",
    "expired unpaid notpaid open pending draft checkoutdraft quote quotation parked saved onhold hold held inprogress",
    "trash training test nosale incomplete notcompleted uncaptured awaitingpayment pendingpayment paymentpending voidline",
    "requirespaymentmethod requiresaction requiresconfirmation blocked manuallyrefunded fullyrefunded refundedinfull voidsale voidedsale salevoid itemvoid recall transitory waste wastage",
    "storno storniert stornorechnung abgebrochen erstattet rückerstattet rückerstattung offen unbezahlt gelöscht retoure",
    "rückgabe gutschrift annulé annulée annule annulee annulation remboursé remboursée rembourse remboursement impayé impaye",
    "enattente ouvert supprimé échoué avoir anulado anulada cancelado cancelada reembolsado reembolsada reembolso devolución",
    "devolucion devuelto pendiente abierto fallido rechazado annullato annullata rimborsato rimborso reso inattesa aperto",
    "fallito stornato geannuleerd terugbetaald terugbetaling openstaand mislukt inbehandeling estornado devolvido pendente",
    "aberto makulerad avbruten återbetald återbetalning retur annullert refundert annulleret refunderet anulowany anulowane",
    "zwrot zwrócone nieopłacone zrušeno vráceno iptal iade отменен отменён отменено возврат キャンセル 返金 取消 退款 已取消 已退款",
  ),
);

/** Undone or paid in part: which lines that were, the row does not say. */
export const PARTIAL_WORDS: ReadonlySet<string> = new Set(
  wordsIn(
    "partial partially partly partiallyrefunded partialrefund partialrefunded partrefunded partlyrefunded partiallypaid partialpaid partialpayment",
    "partiallyvoided teilerstattet teilweiseerstattet partiellementremboursé parcialmentereembolsado",
  ),
);

export const SALE_WORDS: ReadonlySet<string> = new Set(
  wordsIn(
    "completed complete closed close paid paidout payment sale sales sold settled captured authorized authorised approved",
    "payment order success successful succeeded fulfilled done finished ok accepted processed processing delivered served ready normal",
    "valid posted final finalized finalised committed invoiced invoice receipt purchase charge regular charged collected",
    "bezahlt abgeschlossen verkauf erledigt payé payée paye vente terminé clôturé pagado pagada completado venta cerrado",
    "pagato completato vendita chiuso betaald voltooid verkoop afgerond pago concluído venda betald slutförd försäljning",
    "betalt salg opłacone zapłacone sprzedaż zaplaceno prodej ödendi satış оплачен продажа 完了 売上 已完成 已付款 완료",
  ),
);

export const YES_WORDS: ReadonlySet<string> = new Set(
  wordsIn("true yes y 1 x t ja oui si sí sim tak ano evet да はい 是 wahr vrai verdadero vero"),
);
export const NO_WORDS: ReadonlySet<string> = new Set(
  wordsIn(
    "false no n 0 f nein non não nao nie ne hayır нет いいえ 否 falsch faux falso none na null 000 0000",
  ),
);
