export {
  ZERO_PICO,
  addPico,
  formatPico,
  parsePico,
  parseUsd,
  parseUsdPerMillion,
  picoToUsd,
  picoUsd,
  type PicoUsd,
} from './pico-usd.js';
export { PriceBookError, PriceBookFile, parsePriceBook, priceVersionOf } from './price-book.js';
export {
  approvalReasonsOf,
  differencesOf,
  faultsOfPrice,
  isSamePrice,
  unitFaultsOf,
  type PriceDifference,
} from './price-gates.js';
export { parseRates, rateDearest, rateUsage, type RatedLine, type RatedUsage, type Rates } from './rating.js';
export {
  EMPTY_USAGE,
  addUsage,
  boundUsage,
  boundedUsage,
  chargedUsage,
  inputTokens,
  outputTokens,
  type AttemptUsage,
  type BoundOptions,
} from './usage-bounds.js';
export { readGenaiPrices } from './import/genai-prices.js';
export { readLiteLlmPrices } from './import/litellm.js';
export type { ImportCandidate, ImportOptions } from './import/candidate.js';
export { isExactObject, parseExactJson, type ExactJson } from './import/exact-json.js';
