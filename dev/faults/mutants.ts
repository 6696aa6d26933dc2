/** Every known mistake that the faults have to expose. */
import { boardMutants } from "./mutants/board.ts";
import { countingMutants } from "./mutants/counting.ts";
import { deliveryMutants } from "./mutants/delivery.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { promiseMutants } from "./mutants/promises.ts";

export const mutants: readonly Mutant[] = [
  ...deliveryMutants,
  ...countingMutants,
  ...boardMutants,
  ...promiseMutants,
];
