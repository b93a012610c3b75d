/**
 * Resolves when that many milliseconds have passed: the length of a fault, or the pace of a load. Never a wait for a condition, which is
 * `eventually`'s.
 */
export function lasting(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(), milliseconds);
  });
}
