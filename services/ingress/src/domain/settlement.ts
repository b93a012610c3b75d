import type { AttemptSummary, EndFrame, ModelRecord, PinnedPrice, PriceRecord } from '@weir/contracts';
import {
  ZERO_PICO,
  addPico,
  boundUsage,
  formatPico,
  parsePico,
  rateDearest,
  rateUsage,
  type PicoUsd,
} from '@weir/money';

/** What a call may cost at most where nobody can say what it did cost. */
export interface CallBounds {
  readonly model: ModelRecord;
  readonly prices: readonly PinnedPrice[];
  readonly requestBytes: number;
  /** The client's output limit, or null. */
  readonly maxOutputTokens: number | null;
  /** Answers asked for. */
  readonly choices: number;
}

/** Price versions never change, so looking one up later gives what was pinned. */
export type FindPrice = (priceVersion: string) => PriceRecord | undefined;

/** Sum over all attempts, each at its pinned price. */
export function costOf(attempts: readonly AttemptSummary[]): PicoUsd {
  return attempts.reduce((sum, attempt) => addPico(sum, parsePico(attempt.costPico)), ZERO_PICO);
}

/**
 * Upper bound of one attempt on a deployment, or on the dearest the call may reach where `deploymentId` is null; null where no price is
 * known, which is an error state and never free.
 */
export function boundCost(bounds: CallBounds, deploymentId: string | null, findPrice: FindPrice): PicoUsd | null {
  let dearest: PicoUsd | null = null;
  for (const deployment of bounds.model.deployments) {
    if (deploymentId !== null && deployment.id !== deploymentId) continue;
    const version = bounds.prices.find((pin) => pin.deploymentId === deployment.id)?.priceVersion;
    const price = version ? findPrice(version) : undefined;
    if (!price) continue;
    const usage = boundUsage({
      requestBytes: bounds.requestBytes,
      maxOutputTokens: bounds.maxOutputTokens ?? deployment.maxOutputTokens,
      contextWindow: deployment.contextWindow,
      choices: bounds.choices,
    });
    const total = rateDearest(usage, price);
    if (total !== undefined && (dearest === null || total > dearest)) dearest = total;
  }
  return dearest;
}

/**
 * Whether the worker's price of its attempt differs from what ingress makes of the same usage at the same price version. Two witnesses of
 * every charge: a difference is an alert, never a correction.
 */
export function isCostDisputed(end: EndFrame, findPrice: FindPrice): boolean {
  if (end.usage === null || end.usageSource !== 'provider' || end.priceVersion === null) return false;
  const price = findPrice(end.priceVersion);
  // A worker writes 0 for what the version has no price for: billing flags that, it is no dispute.
  return price !== undefined && formatPico(rateUsage(end.usage, price)?.total ?? ZERO_PICO) !== end.costPico;
}
