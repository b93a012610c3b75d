import { dirname, posix } from 'node:path';
import ts from 'typescript';
import { pathInRepository } from '../paths.mjs';

/** Files of one workspace never import each other in a circle. Types are erased and do not count. */
export const noCycles = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { cycle: 'This import closes a circle: {{circle}}.' },
  },
  create(context) {
    const program = context.sourceCode.parserServices?.program;
    if (!program) return {};
    return {
      Program() {
        const file = pathInRepository(context.filename);
        const graph = graphOf(program);
        for (const [target, node] of graph.imports.get(file) ?? []) {
          if (graph.component.get(target) !== graph.component.get(file)) continue;
          const { line, character } = ts.getLineAndCharacterOfPosition(node.getSourceFile(), node.getStart());
          context.report({
            loc: { line: line + 1, column: character },
            messageId: 'cycle',
            data: { circle: circleFrom(graph, file, target).join(' → ') },
          });
        }
      },
    };
  },
};

const graphs = new WeakMap();

function graphOf(program) {
  let graph = graphs.get(program);
  if (graph === undefined) {
    const imports = new Map();
    for (const sourceFile of program.getSourceFiles()) {
      if (sourceFile.isDeclarationFile || sourceFile.fileName.includes('/node_modules/')) continue;
      imports.set(pathInRepository(sourceFile.fileName), relativeImports(sourceFile));
    }
    graph = { imports, component: components(imports) };
    graphs.set(program, graph);
  }
  return graph;
}

/** Map of repository path → import node, for every relative import that survives compilation. */
function relativeImports(sourceFile) {
  const found = new Map();
  for (const statement of sourceFile.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    const specifier = statement.moduleSpecifier;
    if (
      specifier === undefined ||
      !ts.isStringLiteral(specifier) ||
      !specifier.text.startsWith('.') ||
      isErased(statement)
    )
      continue;
    const target = posix.join(pathInRepository(dirname(sourceFile.fileName)), specifier.text).replace(/\.js$/, '.ts');
    found.set(target, statement);
  }
  return found;
}

function isErased(statement) {
  if (ts.isExportDeclaration(statement)) {
    return statement.isTypeOnly || (statement.exportClause?.elements?.every((element) => element.isTypeOnly) ?? false);
  }
  const clause = statement.importClause;
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const bindings = clause.namedBindings;
  return (
    clause.name === undefined &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.every((element) => element.isTypeOnly)
  );
}

/** Tarjan's strongly connected components, iterative; a file alone gets a component of its own. */
function components(imports) {
  const state = { index: new Map(), low: new Map(), stack: [], onStack: new Set(), component: new Map(), next: 0 };
  for (const root of imports.keys()) {
    if (!state.index.has(root)) visitFrom(root, imports, state);
  }
  return state.component;
}

function visitFrom(root, imports, state) {
  const work = [enter(root, imports, state)];
  while (work.length > 0) {
    const frame = work.at(-1);
    const step = frame.targets.next();
    if (!step.done) {
      const target = step.value;
      if (!imports.has(target)) continue;
      if (!state.index.has(target)) work.push(enter(target, imports, state));
      else if (state.onStack.has(target)) lower(state, frame.file, state.index.get(target));
      continue;
    }
    work.pop();
    if (work.length > 0) lower(state, work.at(-1).file, state.low.get(frame.file));
    if (state.low.get(frame.file) === state.index.get(frame.file)) closeComponent(frame.file, state);
  }
}

function enter(file, imports, state) {
  state.index.set(file, state.next);
  state.low.set(file, state.next);
  state.next += 1;
  state.stack.push(file);
  state.onStack.add(file);
  return { file, targets: imports.get(file).keys() };
}

function lower(state, file, value) {
  state.low.set(file, Math.min(state.low.get(file), value));
}

function closeComponent(file, state) {
  let member;
  do {
    member = state.stack.pop();
    state.onStack.delete(member);
    state.component.set(member, file);
  } while (member !== file);
}

/** The shortest way back, for the message. */
function circleFrom(graph, start, first) {
  const queue = [[start, first]];
  const seen = new Set([first]);
  for (const way of queue) {
    const last = way.at(-1);
    if (last === start) return way;
    for (const target of graph.imports.get(last)?.keys() ?? []) {
      if (target === start || !seen.has(target)) queue.push([...way, target]);
      seen.add(target);
    }
  }
  return [start, first];
}
