/** Pods asked at a time, so that a namespace of thousands is no burst on the API server. */
const AT_ONCE = 16;

/** What became of each, in the order of the list; none ends the others. */
export async function each<T, R>(
  items: readonly T[],
  ask: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next;
      next += 1;
      const [result] = await Promise.allSettled([ask(items[at]!)]);
      results[at] = result;
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return results;
}
