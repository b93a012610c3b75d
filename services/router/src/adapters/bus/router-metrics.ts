import { Inject } from '@nestjs/common';
import { Counter, Gauge, METRICS, type Registry } from '@weir/kit';

/** Series of the router. */
export class RouterMetrics {
  readonly decisions: Counter<'decision'>;
  readonly targetsOpen: Gauge<'deployment'>;

  constructor(@Inject(METRICS) registry: Registry) {
    this.decisions = new Counter({
      name: 'weir_route_decisions_total',
      help: 'Calls by what was decided: forward, probe, late, or the code of the refusal.',
      labelNames: ['decision'],
      registers: [registry],
    });
    this.targetsOpen = new Gauge({
      name: 'weir_target_open',
      help: '1 while a deployment is taken out by its failures.',
      labelNames: ['deployment'],
      registers: [registry],
    });
  }
}
