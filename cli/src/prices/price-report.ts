import type { PriceListAnswer, PriceProposal, PriceVerdict } from '@weir/contracts';

const SIGNS = { same: '=', accepted: '+', waiting: '?', refused: '!' } as const;

/** What a list says, a paragraph for each model it changes, and how many it does not. */
export function renderVerdicts({ verdicts, leftOut }: PriceListAnswer): string {
  const changed = verdicts.filter((verdict) => verdict.kind !== 'same');
  const count = (kind: PriceVerdict['kind']): number => verdicts.filter((verdict) => verdict.kind === kind).length;
  const sum =
    `${count('accepted')} within the gates, ${count('waiting')} for approval, ${count('refused')} refused, ` +
    `${count('same')} unchanged, ${leftOut} not in the book`;
  return [...changed.map(renderVerdict), sum].join('\n');
}

function renderVerdict(verdict: PriceVerdict): string {
  const { kind, key, name, priceVersion, proposal } = verdict;
  const title = `${SIGNS[kind]} ${priceVersion ?? key}${name === key ? '' : ` (${name})`}: ${kind}`;
  return [
    `${title}${proposal === null ? '' : `, proposal ${proposal}`}`,
    ...verdict.reasons.map((reason) => `    because ${reason}`),
    ...verdict.differences.map(
      ({ name: rate, before, after }) => `    ${rate}: ${before ?? 'none'} → ${after ?? 'none'} pico-USD`,
    ),
    ...(verdict.notCarried.length === 0 ? [] : [`    not carried: ${verdict.notCarried.join(', ')}`]),
  ].join('\n');
}

export function renderProposals(proposals: readonly PriceProposal[]): string {
  if (proposals.length === 0) return 'nothing waits for approval';
  return proposals
    .flatMap(({ proposal, priceVersion, proposedBy, proposedAt, reasons }) => [
      `${proposal}  ${priceVersion}, imported by ${proposedBy} at ${proposedAt}`,
      ...reasons.map((reason) => `    because ${reason}`),
    ])
    .join('\n');
}
