import { PriceRecord, type PriceListAnswer, type PriceProposal } from '@weir/contracts';
import { judgePrice, selectCandidates } from '../../domain/judge-prices.js';
import type { ImportCandidate } from '@weir/money';
import type { BillingDatabase } from './billing-database.js';
import { readPrices, storePrice } from './price.store.js';

export interface ListedPrices {
  readonly candidates: readonly ImportCandidate[];
  readonly keys: Readonly<Record<string, string>>;
  readonly includeNew: boolean;
}

/** A proposal that is not there, or was decided before. */
export class ProposalError extends Error {
  override readonly name = 'ProposalError';
}

/** One import or approval at a time, so that each is judged against what the one before it left. */
const ONE_AT_A_TIME = `SELECT pg_advisory_xact_lock(hashtextextended('weir:billing:prices', 0))`;

/** Prices from published lists: compared, proposed, approved. Every version that comes in this way has its proposal and its decision. */
export class PriceProposalStore {
  constructor(private readonly database: BillingDatabase) {}

  /** What an import would do; changes nothing. */
  async compare(listed: ListedPrices): Promise<PriceListAnswer> {
    const stored = await readPrices(this.database.get());
    const chosen = selectCandidates(listed.candidates, stored, listed);
    const verdicts = chosen.map((candidate) => judgePrice(candidate, stored).verdict);
    return { verdicts, leftOut: listed.candidates.length - chosen.length };
  }

  /** Takes in what may hold at once, and keeps what must wait. All of a list or nothing of it. */
  import(listed: ListedPrices, by: string): Promise<PriceListAnswer> {
    return this.database.get().transaction(async (manager) => {
      await manager.query(ONE_AT_A_TIME);
      const stored = await readPrices(manager);
      const chosen = selectCandidates(listed.candidates, stored, listed);
      const verdicts = [];
      for (const candidate of chosen) {
        const { verdict, record } = judgePrice(candidate, stored);
        if (record === undefined) {
          verdicts.push(verdict);
          continue;
        }
        const [row] = await manager.query<{ proposal: string }[]>(
          `INSERT INTO price_proposals (price_version, record, reasons, proposed_by) VALUES ($1, $2, $3, $4) RETURNING proposal`,
          [record.priceVersion, JSON.stringify(record), JSON.stringify(verdict.reasons), by],
        );
        const proposal = Number(row?.proposal);
        if (verdict.kind === 'accepted') {
          await storePrice(manager, record);
          await manager.query(INSERT_DECISION, [proposal, by, 'within the gates']);
        }
        verdicts.push({ ...verdict, proposal: verdict.kind === 'waiting' ? proposal : null });
      }
      return { verdicts, leftOut: listed.candidates.length - chosen.length };
    });
  }

  /** Proposals that nobody has decided, oldest first. */
  async waiting(): Promise<PriceProposal[]> {
    const rows = await this.database.query(
      `SELECT proposal, price_version, reasons, proposed_by, proposed_at FROM price_proposals
       WHERE proposal NOT IN (SELECT proposal FROM price_decisions) AND price_version NOT IN (SELECT price_version FROM price_versions)
       ORDER BY proposal`,
    );
    return rows.map((row) => ({
      proposal: Number(row['proposal']),
      priceVersion: row['price_version'] as string,
      reasons: row['reasons'] as string[],
      proposedBy: row['proposed_by'] as string,
      proposedAt: (row['proposed_at'] as Date).toISOString(),
    }));
  }

  /**
   * Brings waiting prices into force; returns their versions. All of them or none.
   *
   * @throws ProposalError where one is unknown or decided, or its version has come into force another way meanwhile.
   */
  approve(proposals: readonly number[], by: string, note: string): Promise<string[]> {
    return this.database.get().transaction(async (manager) => {
      await manager.query(ONE_AT_A_TIME);
      const stored = new Set((await readPrices(manager)).map((price) => price.priceVersion));
      const versions: string[] = [];
      for (const proposal of proposals) {
        const [row] = await manager.query<{ record: unknown; decided: boolean }[]>(
          `SELECT record, EXISTS (SELECT FROM price_decisions d WHERE d.proposal = p.proposal) AS decided
           FROM price_proposals p WHERE proposal = $1`,
          [proposal],
        );
        if (row === undefined) throw new ProposalError(`there is no proposal ${proposal}`);
        const record = PriceRecord.parse(row.record);
        if (row.decided || stored.has(record.priceVersion)) {
          throw new ProposalError(`proposal ${proposal} is decided: ${record.priceVersion} is in force`);
        }
        await storePrice(manager, record);
        await manager.query(INSERT_DECISION, [proposal, by, note]);
        stored.add(record.priceVersion);
        versions.push(record.priceVersion);
      }
      return versions;
    });
  }
}

const INSERT_DECISION = `INSERT INTO price_decisions (proposal, decided_by, note) VALUES ($1, $2, $3)`;
