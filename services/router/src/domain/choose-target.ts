import type { Deployment } from '@weir/contracts';
import type { Availability } from './target-health.js';

export interface ChoiceInput {
  readonly deployments: readonly Deployment[];
  /** Ids of deployments that this call has tried. */
  readonly attempted: ReadonlySet<string>;
  /** Ids of deployments whose price was pinned at admission: no other may be reached. */
  readonly pinned: ReadonlySet<string>;
  readonly region: string;
  readonly availability: (deploymentId: string) => Availability;
  readonly isAccepting: (provider: string) => boolean;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
}

export type Choice =
  | { readonly kind: 'target'; readonly deployment: Deployment; readonly isProbe: boolean; readonly isLast: boolean }
  /** Every deployment of the model has been tried, or there is none here. */
  | { readonly kind: 'exhausted' }
  /** Deployments are left, but no worker takes calls for them. */
  | { readonly kind: 'no-worker' }
  /** Deployments are left, but they rest or are open. */
  | { readonly kind: 'unavailable'; readonly resting: readonly string[] };

function byWeight(group: readonly Deployment[], random: () => number): Deployment | undefined {
  const total = group.reduce((sum, deployment) => sum + deployment.weight, 0);
  // All of weight 0: they stand by for each other, evenly.
  if (total === 0) return group[Math.floor(random() * group.length)];
  let mark = random() * total;
  return group.find((deployment) => (mark -= deployment.weight) < 0) ?? group.at(-1);
}

/** The best of the candidates: lowest priority first, a due probe before its healthy peers, else by weight. */
function pick(
  candidates: readonly Deployment[],
  input: ChoiceInput,
): { deployment: Deployment; isProbe: boolean } | undefined {
  const best = Math.min(...candidates.map((deployment) => deployment.priority));
  const group = candidates.filter((deployment) => deployment.priority === best);
  const due = group.find((deployment) => input.availability(deployment.id) === 'probe');
  if (due) return { deployment: due, isProbe: true };
  const deployment = byWeight(group, input.random);
  return deployment && { deployment, isProbe: false };
}

function isUsable(state: Availability): boolean {
  return state === 'healthy' || state === 'probe';
}

/**
 * Chooses the next target of a call. A target that is open or rests is skipped. Where all that are left are open and the call has tried
 * nothing yet, it goes to one of them all the same: a provider's failures can be provoked by one caller's requests, and must not take
 * a model with a single deployment away from everybody else.
 */
export function chooseTarget(input: ChoiceInput): Choice {
  const left = input.deployments.filter(
    ({ id, region }) => region === input.region && input.pinned.has(id) && !input.attempted.has(id),
  );
  if (left.length === 0) return { kind: 'exhausted' };
  const reachable = left.filter((deployment) => input.isAccepting(deployment.provider));
  if (reachable.length === 0) return { kind: 'no-worker' };
  const usable = reachable.filter((deployment) => isUsable(input.availability(deployment.id)));
  const chosen = usable.length > 0 ? pick(usable, input) : undefined;
  if (chosen) return { kind: 'target', ...chosen, isLast: usable.length === 1 };
  const open = reachable.filter((deployment) => input.availability(deployment.id) === 'open');
  const lastResort = input.attempted.size === 0 && open.length > 0 ? pick(open, input) : undefined;
  if (lastResort) return { kind: 'target', deployment: lastResort.deployment, isProbe: false, isLast: true };
  const resting = reachable.filter((deployment) => input.availability(deployment.id) === 'resting');
  return { kind: 'unavailable', resting: resting.map((deployment) => deployment.id) };
}
