/** At this rate and above a batch is worth the whole linger. */
const BUSY_EVENTS_PER_SECOND = 1_000;
/** Share of the linger that a batch takes where hardly anything comes. */
const LINGER_SHARE_MIN = 0.2;

/** How long a batch stays open: freshness where little comes, few and large inserts where much does. */
export function lingerFor(eventsPerSecond: number, lingerMs: number): number {
  const busy = Math.min(1, eventsPerSecond / BUSY_EVENTS_PER_SECOND);
  return lingerMs * (LINGER_SHARE_MIN + (1 - LINGER_SHARE_MIN) * busy);
}
