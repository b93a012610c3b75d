import { Configuration, findReferenceFaults, type ConfigurationFault } from '@weir/contracts';
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';

/** A fault of `weir.yaml` and where it is; lines and columns count from 1. */
export interface PlacedFault {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
}

export type ParsedConfiguration =
  | {
      readonly ok: true;
      readonly configuration: Configuration;
      readonly locate: (fault: ConfigurationFault) => PlacedFault;
    }
  | { readonly ok: false; readonly faults: readonly PlacedFault[] };

type Locate = (fault: ConfigurationFault) => PlacedFault;

/** The place of the deepest part of the path that is in the document: a missing field is reported at its parent. */
function createLocate(document: Document, lines: LineCounter): Locate {
  return ({ path, message }) => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) {
        const { line, col } = lines.linePos(node.range[0]);
        return { line, column: col, path: path.join('.'), message };
      }
    }
    return { line: 1, column: 1, path: path.join('.'), message };
  };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `unknown field ${issue.keys.map((key) => `"${key}"`).join(', ')}; remove it or correct its name`;
  return issue.message;
}

/** Parses and checks the text of `weir.yaml`; every fault is reported with its line, not only the first. */
export function parseConfiguration(text: string): ParsedConfiguration {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => {
      const { line, col } = lines.linePos(error.pos[0]);
      return { line, column: col, path: '', message: `not valid YAML: ${error.message}` };
    });
    return { ok: false, faults };
  }
  const locate = createLocate(document, lines);
  const parsed = Configuration.safeParse(document.toJS());
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) =>
      locate({ path: issue.path.filter((part) => typeof part !== 'symbol'), message: describeIssue(issue) }),
    );
    return { ok: false, faults };
  }
  const faults = findReferenceFaults(parsed.data);
  if (faults.length > 0) return { ok: false, faults: faults.map(locate) };
  return { ok: true, configuration: parsed.data, locate };
}

/** One line a fault, as editors and compilers print it. */
export function formatFault(file: string, fault: PlacedFault): string {
  const where = fault.path === '' ? '' : `${fault.path}: `;
  return `${file}:${fault.line}:${fault.column}: ${where}${fault.message}`;
}
