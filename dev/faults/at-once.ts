/** Does the work for each item, so many at a time: most of a run is waiting. */
export const atOnce = async <T>(
  count: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const waiting = [...items];
  const next = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: count }, next));
};
