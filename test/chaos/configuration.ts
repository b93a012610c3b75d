import { CONFIGURATION } from '../e2e/upstream-kit.js';

/** A model whose answers are larger than everything between it and a client can hold back. */
export const LONG_MODEL = 'long-answers';

/** weir.yaml of a stack under chaos: the simulator behind each adapter, models with several targets, and one with long answers. */
export const CHAOS_CONFIGURATION = `${CONFIGURATION.trimEnd()}
  - name: ${LONG_MODEL}
    deployments:
      - { provider: simulator, adapter: openai-compatible, model: sim-openai, price: simulator/sim-openai, priority: 0, contextWindow: 400000, maxOutputTokens: 128000 }
`;
