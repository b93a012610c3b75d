import { defineEvent } from '../event.js';
import { PicoUsdString } from '../money.js';
import { CallFacts } from './call-facts.js';

/** A call was admitted. In ingress's journal before anything leaves, acknowledged by JetStream before the first byte goes back. */
export const CallStartedV1 = defineEvent({
  type: 'call.started',
  version: 1,
  owner: ['ingress'],
  data: CallFacts.extend({
    /**
     * Upper bound of one attempt on the dearest deployment the call may reach, at the prices pinned; null where no price is known.
     * What the record of a call says of its cost when its ingress died.
     */
    boundPico: PicoUsdString.nullable().optional(),
  }),
});
