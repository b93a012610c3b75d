import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SIMULATED_MODELS } from './simulated-models.js';

const SHIPPED = resolve(fileURLToPath(import.meta.url), '../../../../deploy/local/weir.default.yaml');

/** The name under which `model` is reached by a target of its own. */
export function modelAt(model: string, target: string): string {
  return `${model}-at-${target}`;
}

/**
 * The shipped weir.yaml with each simulated model once more for each of these targets. Failures count against a target, so a case
 * that fails on purpose has its own and no other call meets a target that rests.
 */
export function configurationWith(targets: readonly string[]): string {
  const shipped = readFileSync(SHIPPED, 'utf8');
  const models = SIMULATED_MODELS.flatMap(({ name }) => targets.map((target) => modelEntry(shipped, name, target)));
  const withProviders = insertAfter(shipped, '\nproviders:\n', targets.map(providerEntry));
  return insertAfter(withProviders, '\nmodels:\n', models);
}

function providerEntry(target: string): string {
  return [
    `  - id: ${target}`,
    '    simulated: true',
    '    endpoints:',
    '      openai-compatible: ${WEIR_SIMULATOR_URL}/v1',
    '      anthropic: ${WEIR_SIMULATOR_URL}',
    '      bedrock: ${WEIR_SIMULATOR_URL}',
    '    awsRegion: us-east-1',
    "    allowPrivate: [127.0.0.0/8, '::1/128']\n",
  ].join('\n');
}

function modelEntry(shipped: string, model: string, target: string): string {
  const deployment = new RegExp(`- name: ${model}\\n    deployments:\\n      - (\\{.*\\})`).exec(shipped)?.[1];
  if (deployment === undefined) throw new Error(`weir.default.yaml has no deployment of ${model} in the expected form`);
  const moved = deployment.replace('provider: simulator', `provider: ${target}`);
  return `  - name: ${modelAt(model, target)}\n    deployments:\n      - ${moved}\n`;
}

function insertAfter(text: string, mark: string, entries: readonly string[]): string {
  const parts = text.split(mark);
  if (parts.length !== 2) throw new Error(`weir.default.yaml has '${mark.trim()}' ${parts.length - 1} times`);
  return parts.join(mark + entries.join(''));
}
