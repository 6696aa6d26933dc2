/** Which processors a program may run on: what is measured must not take those of what measures. */

/** By Linux's numbers. */
export type Cores = readonly number[];

/** The command that runs this one there; as it is without. taskset (util-linux) becomes the program it starts. */
export const onCores = (
  cores: Cores | undefined,
  command: string,
  args: readonly string[],
): { readonly command: string; readonly args: string[] } =>
  cores === undefined
    ? { command, args: [...args] }
    : { command: "taskset", args: ["-c", cores.join(","), command, ...args] };
