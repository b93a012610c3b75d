import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root; every path a rule or a table names is relative to it. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** `services/router/src/main.ts` for an absolute file name, with forward slashes on every system. */
export function pathInRepository(filename) {
  return relative(ROOT, filename).split(sep).join('/');
}

/** True where `path` matches one of the globs. `*` stays within a folder, `**` crosses folders. */
export function matchesAny(path, globs) {
  return globs.some((glob) => expressionOf(glob).test(path));
}

const expressions = new Map();

function expressionOf(glob) {
  let expression = expressions.get(glob);
  if (expression === undefined) {
    const source = glob
      .split(/(\*\*\/|\*\*|\*)/)
      .map((part) => {
        if (part === '**/') return '(?:.*/)?';
        if (part === '**') return '.*';
        if (part === '*') return '[^/]*';
        return part.replace(/[.+^${}()|[\]\\?]/g, '\\$&');
      })
      .join('');
    expression = new RegExp(`^${source}$`);
    expressions.set(glob, expression);
  }
  return expression;
}

/**
 * The workspace a path lies in: `{ kind, name }`, kind being what the `type:` tag of its package.json says, or undefined
 * outside every workspace (scripts, tools, configuration at the root).
 */
export function workspaceOf(path) {
  const [first, second] = path.split('/');
  if (first === 'libs' && second) return { kind: 'lib', name: second };
  if (first === 'services' && second) return { kind: 'service', name: second };
  if (first === 'simulator' || first === 'cli' || first === 'test') return { kind: first, name: first };
  if (first === 'deploy' && second === 'local') return { kind: 'deploy', name: 'local' };
  return undefined;
}
