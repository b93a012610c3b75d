import { Inject } from '@nestjs/common';
import type { ClientDialect } from '@weir/contracts';
import { Counter, Gauge, Histogram, LOGGER, METRICS, type Logger, type Registry } from '@weir/kit';
import { BodyBudget } from './body-reader.js';
import { OpenCalls } from './open-calls.js';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export interface FinishedCall {
  readonly dialect: ClientDialect;
  readonly status: number;
  readonly errorCode: string | null;
  readonly latencyMs: number;
  readonly firstTokenMs: number | null;
}

/** What an operator watches of this process. Labels have few values: never a key, a model or a person. */
export class IngressMetrics {
  private readonly calls: Counter<'dialect' | 'status' | 'code'>;
  private readonly refusals: Counter<'dialect' | 'code'>;
  private readonly latency: Histogram<'dialect'>;
  private readonly firstToken: Histogram<'dialect'>;
  private readonly unrecorded: Counter;
  private readonly disputed: Counter;

  constructor(
    @Inject(METRICS) private readonly registry: Registry,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(OpenCalls) openCalls: OpenCalls,
    @Inject(BodyBudget) bodies: BodyBudget,
  ) {
    const registers = [registry];
    this.calls = new Counter({
      name: 'weir_ingress_calls_total',
      help: 'Admitted calls that have ended, by status given to the client and error code',
      labelNames: ['dialect', 'status', 'code'],
      registers,
    });
    this.refusals = new Counter({
      name: 'weir_ingress_denied_total',
      help: 'Requests that were not admitted, by error code',
      labelNames: ['dialect', 'code'],
      registers,
    });
    this.latency = new Histogram({
      name: 'weir_ingress_call_seconds',
      help: 'From the arrival of a request to the end of its answer',
      labelNames: ['dialect'],
      buckets: SECONDS,
      registers,
    });
    this.firstToken = new Histogram({
      name: 'weir_ingress_first_token_seconds',
      help: 'From the arrival of a request to the first byte of a streamed answer',
      labelNames: ['dialect'],
      buckets: SECONDS,
      registers,
    });
    this.unrecorded = new Counter({
      name: 'weir_ingress_denied_unrecorded_total',
      help: 'Requests refused while no event could be written',
      registers,
    });
    this.disputed = new Counter({
      name: 'weir_ingress_cost_disputed_total',
      help: 'Answers whose cost ingress and the worker make out differently at the same price version',
      registers,
    });
    this.gauge('weir_ingress_open_calls', 'Calls that have begun and are not recorded as ended', () => openCalls.size);
    this.gauge('weir_ingress_body_bytes', 'Bytes of request bodies in memory', () => bodies.held);
  }

  /** A figure that is read when it is asked for. */
  private gauge(name: string, help: string, read: () => number): void {
    // `collect` is called by the registry with the gauge as `this`.
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => gauge.set(read()) });
  }

  finished({ dialect, status, errorCode, latencyMs, firstTokenMs }: FinishedCall): void {
    this.calls.inc({ dialect, status: String(status), code: errorCode ?? 'ok' });
    this.latency.observe({ dialect }, latencyMs / 1_000);
    if (firstTokenMs !== null) this.firstToken.observe({ dialect }, firstTokenMs / 1_000);
  }

  denied(dialect: ClientDialect, code: string): void {
    this.refusals.inc({ dialect, code });
  }

  deniedUnrecorded(): void {
    this.unrecorded.inc();
  }

  costDisputed(callId: string): void {
    this.disputed.inc();
    this.logger.error({ callId }, 'the cost of a call differs between its worker and its ingress');
  }
}
