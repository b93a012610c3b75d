import type { SimulatedProcess } from './simulation.js';

/** Something that happens at a time. */
export interface QueuedStep {
  /** Milliseconds since the schedule began. */
  at: number;
  /** Of two at one time, the one that was planned first comes first. */
  order: number;
  /** Undefined for a server's. */
  readonly owner: SimulatedProcess | undefined;
  readonly label: string;
  readonly run: () => void;
  isCancelled: boolean;
}

const isBefore = (one: QueuedStep, other: QueuedStep): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** Steps by their time: a binary heap. */
export class EventQueue {
  private readonly heap: QueuedStep[] = [];
  private count = 0;

  push(step: QueuedStep): void {
    step.order = this.count++;
    const { heap } = this;
    let at = heap.push(step) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (!above || !isBefore(step, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = step;
  }

  pop(): QueuedStep | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const child = this.smallerChild(at);
      const below = heap[child];
      if (!below || !isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  private smallerChild(at: number): number {
    const left = 2 * at + 1;
    const [one, other] = [this.heap[left], this.heap[left + 1]];
    return one && other && isBefore(other, one) ? left + 1 : left;
  }
}
