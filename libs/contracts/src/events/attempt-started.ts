import { defineEvent } from '../event.js';
import { AttemptFacts } from './attempt-facts.js';

/** An upstream request is about to be sent. In providers' journal before it is. */
export const AttemptStartedV1 = defineEvent({
  type: 'attempt.started',
  version: 1,
  owner: ['providers'],
  data: AttemptFacts,
});
