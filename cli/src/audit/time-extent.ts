/** The earliest and the latest of some times; 0 for none. */
export function extent(times: readonly number[]): { from: number; to: number } {
  let [from, to] = [Infinity, -Infinity];
  for (const time of times) {
    from = Math.min(from, time);
    to = Math.max(to, time);
  }
  return { from: Number.isFinite(from) ? from : 0, to: Number.isFinite(to) ? to : 0 };
}
