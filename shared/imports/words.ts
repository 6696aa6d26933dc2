/** How headers and words of a file are compared: letters and digits alone, in lower case and Unicode's NFC. */
export const bare = (text: string): string =>
  text
    .normalize("NFC")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, "");

/** A list of words as it is easiest to read and extend. */
export const wordsIn = (...lines: readonly string[]): string[] => lines.join(" ").split(" ");
