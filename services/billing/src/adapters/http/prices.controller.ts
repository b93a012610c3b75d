import {
  BadRequestException,
  Body,
  ConflictException,
  Controller,
  Get,
  HttpCode,
  Inject,
  Post,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import {
  PriceApprovalRequest,
  PriceImportRequest,
  PriceListRequest,
  type PriceListAnswer,
  type PriceProposal,
} from '@weir/contracts';
import { readGenaiPrices, readLiteLlmPrices, type ImportCandidate, type ImportOptions } from '@weir/money';
import { PriceProposalStore, ProposalError } from '../store/price-proposal.store.js';
import { BillingTokenGuard } from './billing-token.guard.js';
import { NotReadyFilter } from './not-ready.filter.js';
import { parseRequest } from './parse-request.js';

/** Price lists: compare, import, approve. */
@Controller('admin/v1/prices')
@UseGuards(BillingTokenGuard)
@UseFilters(NotReadyFilter)
export class PricesController {
  constructor(@Inject(PriceProposalStore) private readonly store: PriceProposalStore) {}

  @Post('diff')
  @HttpCode(200)
  async compare(@Body() body: unknown): Promise<PriceListAnswer> {
    const request = parseRequest(PriceListRequest, body);
    return this.store.compare({ ...request, candidates: readList(request) });
  }

  @Post('import')
  @HttpCode(200)
  async import(@Body() body: unknown): Promise<PriceListAnswer> {
    const request = parseRequest(PriceImportRequest, body);
    return this.store.import({ ...request, candidates: readList(request) }, request.by);
  }

  @Get('proposals')
  waiting(): Promise<PriceProposal[]> {
    return this.store.waiting();
  }

  @Post('approve')
  @HttpCode(200)
  async approve(@Body() body: unknown): Promise<{ approved: string[] }> {
    const { proposals, by, note } = parseRequest(PriceApprovalRequest, body);
    try {
      return { approved: await this.store.approve(proposals, by, note) };
    } catch (error) {
      throw error instanceof ProposalError ? new ConflictException(error.message) : error;
    }
  }
}

const READERS: Readonly<Record<PriceListRequest['format'], (options: ImportOptions) => ImportCandidate[]>> = {
  litellm: readLiteLlmPrices,
  'genai-prices': readGenaiPrices,
};

function readList(request: PriceListRequest): ImportCandidate[] {
  try {
    return READERS[request.format](request);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) throw new BadRequestException(error.message);
    throw error;
  }
}
