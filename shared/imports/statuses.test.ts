import { expect, test } from "vitest";
import { doubtfulValues, type LeaveOut, leftOutReason, statusColumnsOf, statusFieldsOf } from "./statuses.ts";

/** What becomes of the rows that have these values in a column of this name. */
const decide = (
  header: string,
  values: readonly string[],
  chosen: readonly LeaveOut[] = [],
  isGuessed = true,
) => {
  const counts = new Map([[0, new Map(values.map((value) => [value, 1]))]]);
  const columns = statusColumnsOf([header], counts, chosen, isGuessed);
  const doubtful = doubtfulValues(columns, counts).map(({ value }) => value);
  const out = values.filter((value) => leftOutReason(columns, () => value) !== null);
  return { out, doubtful };
};

test.each([
  [
    "Status",
    "Voided void VOID Cancelled canceled Refunded Returned Failed Declined Open Pending Draft Unpaid",
    "Completed Paid Closed",
  ],
  ["Financial Status", "refunded voided pending expired", "paid authorized"],
  ["Order Payment State", "Open Refunded", "Paid"],
  ["Event Type", "Refund", "Payment"],
  ["Order Status", "wc-cancelled wc-on-hold wc-failed", "wc-completed wc-processing"],
  ["Status", "requires_payment_method canceled", "succeeded"],
  ["Receipt type", "Refund", "Sale"],
  ["Type", "VOID RECALL REFUND", "SALE"],
  ["Void?", "true Yes 1 y", "false No 0"],
  ["Refunded", "Yes TRUE x", "No FALSE 0.00"],
  ["Paid", "No false", "Yes true"],
  ["Cancelled at", "2026-03-14 yesterday", "no N/A"],
  ["Void Reason", "mistake", "None"],
  ["Estado", "Cancelado Anulado Reembolsado", "Cerrado Pagado"],
  ["Statut", "annulé remboursée", "payé"],
  ["Status", "Storno storniert offen", "bezahlt"],
])("leaves out the rows that %s says are no sales: %s", (header, out, sales) => {
  expect(decide(header, [...out.split(" "), ...sales.split(" "), ""])).toEqual({
    out: out.split(" "),
    doubtful: [],
  });
});

test.each([
  "Fulfillment Status",
  "Lineitem fulfillment status",
  "Shipping State",
  "Customer Status",
  "Dining Option",
  "Itemization Type",
])("does not decide by %s", (header) => expect(statusFieldsOf([header])).toEqual([]));

test("ignores columns without any known word, and returns what is in doubt in the others", () => {
  expect(decide("State", ["NY", "OR"])).toEqual({ out: [], doubtful: [] });
  expect(decide("Type", ["Dine In", "Takeaway"])).toEqual({ out: [], doubtful: [] });
  expect(decide("Paid", ["4.50", "Yes", "No"])).toEqual({ out: [], doubtful: [] });
  const values = ["Completed", "Partially refunded", "Teilweise storniert", "On the house", "Not refunded"];
  expect(decide("Status", values)).toEqual({ out: [], doubtful: values.slice(1, 4) });
  expect(
    decide("Status", ["Done", "Cancelled by customer", "REFUNDED - full", "Payment voided"]).out,
  ).toHaveLength(3);
});

test("takes lines of orders only where a column has other rows too", () => {
  expect(decide("Line Type", ["Sale", "Sale Line", "Payment"]).out).toEqual(["Sale", "Payment"]);
  expect(decide("Line Type", ["Sale", "Refund"]).out).toEqual(["Refund"]);
  expect(decide("Item Type", ["Product", "Service"]).out).toEqual([]);
});

test("takes the user's values instead of its own words", () => {
  const chosen = [{ column: "Status", values: ["x9", "Voided"] }];
  expect(decide("Status", ["Voided", "X9", "Cancelled"], chosen).out).toEqual(["Voided", "X9"]);
  expect(decide("Status", ["Voided", "Cancelled"], [], false).out).toEqual([]);
});
