/**
 * Beta features of Claude that InvokeModel knows; any other one in `anthropic_beta` makes it refuse the whole request.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
 */
const KNOWN: ReadonlySet<string> = new Set([
  'computer-use-2024-10-22',
  'computer-use-2025-01-24',
  'computer-use-2025-11-24',
  'token-efficient-tools-2025-02-19',
  'interleaved-thinking-2025-05-14',
  'output-128k-2025-02-19',
  'dev-full-thinking-2025-05-14',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'effort-2025-11-24',
  'tool-search-tool-2025-10-19',
  'tool-examples-2025-10-29',
]);

/** Beta features that a client's `anthropic-beta` header names. */
export function namesOfBetas(header: string | undefined): string[] {
  return (header ?? '').split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
}

/** The client's betas that can be carried, and what is dropped, as the record lists it. */
export function splitBetas(header: string | undefined): { readonly betas: string[]; readonly dropped: string[] } {
  const named = namesOfBetas(header);
  return {
    betas: named.filter((name) => KNOWN.has(name)),
    dropped: named.filter((name) => !KNOWN.has(name)).map((name) => `anthropic-beta.${name}:unknown to Bedrock`),
  };
}
