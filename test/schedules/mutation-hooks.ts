import { readFile } from 'node:fs/promises';
import type { InitializeHook, LoadHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { MUTANTS, applyMutant } from './mutants.js';

const ROOT = new URL('../../../', import.meta.url);

/** Address of the built module that is replaced, and of its source. */
let built: string | undefined;
let replacement = '';

/** Hooks of Node's module loader (https://nodejs.org/api/module.html#customization-hooks): one module is compiled from its mutated source. */
export const initialize: InitializeHook<{ readonly mutant: string }> = async ({ mutant: name }) => {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (!mutant) throw new Error(`there is no mutant "${name}"`);
  const source = applyMutant(mutant, await readFile(new URL(mutant.file, ROOT), 'utf8'));
  const { outputText } = ts.transpileModule(source, {
    fileName: fileURLToPath(new URL(mutant.file, ROOT)),
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  });
  built = new URL(mutant.file.replace('/src/', '/dist/').replace(/\.ts$/, '.js'), ROOT).href;
  replacement = outputText;
};

export const load: LoadHook = (url, context, nextLoad) => {
  if (url !== built) return nextLoad(url, context);
  return { format: 'module', source: replacement, shortCircuit: true };
};
