import type { CallEnvelopeV1, Deployment, ModelRecord, ProviderRecord } from '@weir/contracts';

export interface TargetRecords {
  readonly deployment: Deployment;
  readonly provider: ProviderRecord;
}

/** What a worker looks up of a call's target. */
export interface TargetLookup {
  findModel(name: string): ModelRecord | undefined;
  provider(id: string): ProviderRecord | undefined;
}

/** The records of the envelope's target, or undefined where the catalog no longer has them. */
export function findTargetRecords(envelope: CallEnvelopeV1, lookup: TargetLookup): TargetRecords | undefined {
  const { target } = envelope;
  if (!target) return undefined;
  const deployment = lookup.findModel(envelope.model)?.deployments.find(({ id }) => id === target.deploymentId);
  const provider = deployment && lookup.provider(deployment.provider);
  return deployment && provider ? { deployment, provider } : undefined;
}
