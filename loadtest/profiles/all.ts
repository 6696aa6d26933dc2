/** The list of profiles; one that is added here is known everywhere. */
import { breakpoint, morningRush, peaks, spike, steps } from "./changing.ts";
import { customers, websocket } from "./mixed.ts";
import type { Profile } from "./profile.ts";
import { baseline, constant, smoke, soak } from "./steady.ts";

export const profiles: readonly Profile[] = [
  smoke,
  baseline,
  steps,
  spike,
  soak,
  breakpoint,
  websocket,
  morningRush,
  customers,
  constant,
  ...peaks,
];

/** Throws an Error that lists the names. */
export const profileNamed = (name: string): Profile => {
  const found = profiles.find((profile) => profile.name === name);
  if (found) return found;
  throw new Error(
    `PROFILE is "${name}": expected one of ${profiles.map((profile) => profile.name).join(", ")}.`,
  );
};
