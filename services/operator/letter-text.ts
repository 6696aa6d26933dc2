/** Dead letters as text. Their content is untrusted: none of it may reach a terminal as a control character. */
import { messageOf } from "#shared/runtime/lifecycle.ts";
import type { KeptLetter, LetterCount, Replay } from "#shared/store/dead-letters.ts";

/** For a letter's detail in a list, so that a line fits a terminal. */
const SHORT_CHARACTERS = 80;
/** PostgreSQL quotes the data that it rejects, which may be megabytes. */
const DETAIL_CHARACTERS = 1_000;
/** Characters that are not printed: C0 and C1 controls, and marks that reverse or hide the text around them. */
const NOT_SHOWN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const NOT_SHOWN_IN_TEXT = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/u;

export const oneLine = (text: string): string => text.replace(NOT_SHOWN, " ");

export const stateOf = ({ replayedAt, discardedAt }: KeptLetter): string =>
  replayedAt ? "replayed" : discardedAt ? "discarded" : "open";

const cellsOf = (letter: KeptLetter): string[] => [
  letter.id,
  letter.source,
  `${oneLine(letter.origin)}${letter.index < 0 ? "" : ` #${letter.index}`}`,
  letter.reason,
  letter.setAsideAt.toISOString(),
  stateOf(letter),
  letter.orderId ?? "-",
  oneLine(letter.detail).slice(0, SHORT_CHARACTERS),
];

/** A line for each letter, below a header. */
export const tableOf = (letters: readonly KeptLetter[]): string[] => {
  const titles = ["ID", "MODE", "ORIGIN", "REASON", "SET ASIDE", "STATE", "ORDER", "DETAIL"];
  const rows = [titles, ...letters.map(cellsOf)];
  const widths = titles.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
};

export const countLine = ({ source, reason, letters }: LetterCount): string =>
  `${letters} of ${source} for ${reason}`;

/** The payload when it is printable text, else base64. */
const payloadOf = (payload: Buffer): { readonly encoding: "text" | "base64"; readonly payload: string } => {
  const text = payload.toString();
  const isText = Buffer.from(text).equals(payload) && !NOT_SHOWN_IN_TEXT.test(text);
  return isText
    ? { encoding: "text", payload: text }
    : { encoding: "base64", payload: payload.toString("base64") };
};

export const describe = (letter: KeptLetter & { readonly payload: Buffer }): string[] => {
  const { encoding, payload } = payloadOf(letter.payload);
  const place = letter.index < 0 ? "the whole entry" : `order ${letter.index} of the entry`;
  return [
    `id         ${letter.id}`,
    `mode       ${letter.source}`,
    `origin     ${oneLine(letter.origin)}, ${place}`,
    `order      ${letter.orderId ?? "no id can be read"}`,
    `state      ${stateOf(letter)}`,
    `set aside  ${letter.setAsideAt.toISOString()}`,
    ...(letter.replayedAt ? [`replayed   ${letter.replayedAt.toISOString()}`] : []),
    ...(letter.discardedAt ? [`discarded  ${letter.discardedAt.toISOString()}`] : []),
    `reason     ${letter.reason}`,
    `detail     ${oneLine(letter.detail)}`,
    `payload    ${letter.payload.length} bytes${encoding === "base64" ? ", in base64" : ""}:`,
    payload,
  ];
};

const detailOf = (error: Error): string => oneLine(messageOf(error).slice(0, DETAIL_CHARACTERS));

/** The result of a replay in a sentence. */
export const outcomeLine = (id: string, replay: Replay): string => {
  switch (replay.outcome) {
    case "counted": {
      const { orders, duplicates, conflicts } = replay;
      if (duplicates === 0) return `${id}: replayed; ${orders} counted.`;
      const others = conflicts > 0 ? `; ${conflicts} of them with another body (order_conflicts)` : "";
      return `${id}: replayed; ${orders} counted, ${duplicates} had been counted before${others}.`;
    }
    case "poison":
      return `${id}: stays open, it still cannot be counted (${replay.reason}): ${detailOf(replay.error)}`;
    case "before":
      return `${id}: had been replayed before.`;
    case "whole":
      return `${id}: stays open, it is not JSON; correct the output of \`show ${id}\` and replay it with --payload.`;
    case "unknown":
      return `${id}: there is no such dead letter.`;
  }
};
