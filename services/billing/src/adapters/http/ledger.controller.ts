import { Readable } from 'node:stream';
import {
  BadRequestException,
  Body,
  ConflictException,
  Controller,
  Get,
  HttpCode,
  Inject,
  Post,
  Query,
  ServiceUnavailableException,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import {
  CloseMonthRequest,
  CloseRequest,
  EntriesRequest,
  INVOICE_TYPES,
  ReconcileRequest,
  ReportRequest,
  RerateRequest,
  SetAsideRequest,
  type CloseAnswer,
  type CloseMonthAnswer,
  type EntriesAnswer,
  type ReconcileAnswer,
  type ReportAnswer,
  type RerateAnswer,
  type SetAsideAnswer,
} from '@weir/contracts';
import { SETTINGS } from '@weir/kit';
import { ChargeFaultError } from '../../domain/check-charges.js';
import { InvoiceError } from '../../domain/invoice.js';
import type { BillingSettings } from '../../settings.js';
import { ChargeReader } from '../facts/charge-reader.js';
import { BillingDatabase } from '../store/billing-database.js';
import { Closer, LedgerStopped } from '../store/closer.js';
import { reconcileInvoice } from '../store/invoice-reconciler.js';
import { readEntries, readReport } from '../store/ledger-report.js';
import { LedgerRefusal, closeMonth } from '../store/month-closer.js';
import { readPrices } from '../store/price.store.js';
import { rerate } from '../store/rerater.js';
import { readSetAside } from '../store/set-aside.store.js';
import { BillingTokenGuard } from './billing-token.guard.js';
import { NotReadyFilter } from './not-ready.filter.js';
import { parseRequest } from './parse-request.js';

/** The ledger: closing, reports, export, re-rating. */
@Controller('admin/v1/billing')
@UseGuards(BillingTokenGuard)
@UseFilters(NotReadyFilter)
export class LedgerController {
  constructor(
    @Inject(SETTINGS) private readonly settings: BillingSettings,
    @Inject(BillingDatabase) private readonly database: BillingDatabase,
    @Inject(Closer) private readonly closer: Closer,
    @Inject(ChargeReader) private readonly reader: ChargeReader,
  ) {}

  @Post('close')
  @HttpCode(200)
  async close(@Body() body: unknown): Promise<CloseAnswer> {
    const { by, early } = parseRequest(CloseRequest, body);
    this.database.get();
    return orConflict(this.closer.close(by, early));
  }

  @Post('close-month')
  @HttpCode(200)
  async closeMonth(@Body() body: unknown): Promise<CloseMonthAnswer> {
    const request = parseRequest(CloseMonthRequest, body);
    this.database.get();
    const { WEIR_POSTGRES_URL: postgresUrl, WEIR_CLOSE_GRACE_MS: graceMs } = this.settings;
    return orConflict(closeMonth({ postgresUrl, graceMs, closer: this.closer }, request));
  }

  @Post('rerate')
  @HttpCode(200)
  async rerate(@Body() body: unknown): Promise<RerateAnswer> {
    const request = parseRequest(RerateRequest, body);
    // As they are in Postgres: a version that has just been approved is in the book of each process a few seconds later.
    const prices = await readPrices(this.database.get());
    const findPrice = (version: string) => prices.find((one) => one.priceVersion === version);
    const { stopping } = this.closer;
    return orConflict(rerate({ postgresUrl: this.settings.WEIR_POSTGRES_URL, findPrice, stopping }, request));
  }

  @Post('reconcile')
  @HttpCode(200)
  async reconcile(@Query() query: unknown, @Body() body: unknown): Promise<ReconcileAnswer> {
    const request = parseRequest(ReconcileRequest, query);
    if (!(body instanceof Readable))
      throw new BadRequestException(`send the invoice as ${INVOICE_TYPES[request.format]}`);
    const { database, reader } = this;
    return orConflict(reconcileInvoice({ database, reader, stopping: this.closer.stopping }, request, body));
  }

  @Get('open')
  async open(@Query() query: unknown): Promise<SetAsideAnswer> {
    const request = parseRequest(SetAsideRequest, query);
    return readSetAside((sql, parameters) => this.database.query(sql, parameters), request);
  }

  @Get('report')
  async report(@Query() query: unknown): Promise<ReportAnswer> {
    const request = parseRequest(ReportRequest, query);
    return readReport((sql, parameters) => this.database.query(sql, parameters), request);
  }

  @Get('entries')
  async entries(@Query() query: unknown): Promise<EntriesAnswer> {
    const request = parseRequest(EntriesRequest, query);
    return readEntries((sql, parameters) => this.database.query(sql, parameters), request);
  }
}

/** What cannot be done as things are is a conflict, with what must be done first. */
async function orConflict<Answer>(work: Promise<Answer>): Promise<Answer> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof LedgerStopped) throw new ServiceUnavailableException(error.message);
    if (error instanceof InvoiceError) throw new BadRequestException(error.message);
    if (error instanceof LedgerRefusal || error instanceof ChargeFaultError) throw new ConflictException(error.message);
    throw error;
  }
}
