/** How a mode looks: a colour that the colour-blind tell apart, and a shape and a dash for who sees none. */

export type Look = { readonly colour: string; readonly shape: string; readonly dash: readonly number[] };

const FIRST: Look = { colour: "mode-1", shape: "circle", dash: [] };
const LOOKS: readonly Look[] = [
  FIRST,
  { colour: "mode-2", shape: "diamond", dash: [8, 4] },
  { colour: "mode-3", shape: "triangle", dash: [2, 3] },
  { colour: "mode-4", shape: "square", dash: [8, 3, 2, 3] },
];

/** By the mode's name alone, so that v2 looks the same beside v1 and by itself: the number in it, else its letters. */
export const lookOf = (mode: string): Look => LOOKS[numberOf(mode) % LOOKS.length] ?? FIRST;

const numberOf = (mode: string): number => {
  const version = /^v([1-9]\d?)$/.exec(mode)?.[1];
  if (version !== undefined) return Number(version) - 1;
  return [...mode].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0);
};
