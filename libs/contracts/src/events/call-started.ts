import { defineEvent } from '../event.js';
import { CallFacts } from './call-facts.js';

/** A call was admitted. In ingress's journal before anything leaves, acknowledged by JetStream before the first byte goes back. */
export const CallStartedV1 = defineEvent({ type: 'call.started', version: 1, owner: ['ingress'], data: CallFacts });
