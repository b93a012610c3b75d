import { readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import {
  DOMAIN_LIBRARIES,
  DOMAIN_TYPES,
  IO_MODULES,
  OUTSIDE_CLIENT_LIBRARIES,
  OUTSIDE_CLIENTS,
  PURE_LIBRARIES,
} from '../layers.mjs';
import { matchesAny, pathInRepository, ROOT, workspaceOf } from '../paths.mjs';
import { importVisitor, packageOf, targetOf } from './imports.mjs';

const SERVICES = new Set(
  readdirSync(join(ROOT, 'services'), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  ),
);
const PRODUCTION = new Set(['lib', 'service', 'cli', 'deploy']);
const OTHERS = { simulator: 'simulator', cli: 'cli', test: 'test', local: 'deploy' };

/**
 * Who may import whom, by folder. Nx says the same about packages; this rule says it about relative paths too, and about
 * the layers inside a service, which Nx cannot see.
 */
export const layers = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      crossing: "'{{source}}' leaves this workspace: use its package name.",
      deep: "'{{source}}' reaches behind the index of '{{name}}': import from '{{name}}'.",
      service: "A service never imports another service ('{{source}}'): they talk over the bus.",
      upward: "A library never imports {{kind}} ('{{source}}').",
      foreign: "Only libraries are imported across workspaces, not {{kind}} ('{{source}}').",
      simulator: "The simulator imports nothing of Weir ('{{source}}'): it is the other side's witness.",
      client: "'{{source}}' is Weir's inside; load and compatibility tests are clients like any other.",
      testing: "'{{source}}' is for specs; what runs in production does not know it.",
      adapters: "domain/ never imports '{{source}}': it is pure; pass what it needs as an argument.",
      typesOnly: "domain/ takes only types from '{{source}}'.",
      impure: "'{{source}}' does I/O; {{place}} is pure.",
    },
  },
  create(context) {
    const place = describePlace(pathInRepository(context.filename));
    if (place.here === undefined) return {};
    return importVisitor((reference) => {
      const { source, node } = reference;
      const report = (messageId, data = {}) => context.report({ node, messageId, data: { source, ...data } });
      const { target, crossing } = resolveTarget(source, context.filename, place.here);
      checkWorkspaces(place, target, report);
      if (crossing) report('crossing');
      const deep = /^(@weir\/[^/]+)\/./.exec(source);
      if (deep) report('deep', { name: deep[1] });
      if (place.inDomain) checkDomain(reference, targetOf(source, context.filename), target, report);
      if (place.pure !== undefined && isIo(source)) report('impure', { place: place.pure });
    });
  },
};

/** Where a file stands: its workspace, whether it runs in production, and the name of the pure place it is in, if any. */
function describePlace(path) {
  const here = workspaceOf(path);
  const isSpec = /\.(?:spec|int-spec|fixture)\.ts$/.test(path);
  const inDomain = !isSpec && /^services\/[^/]+\/src\/domain\//.test(path);
  const isPureLibrary = !isSpec && here?.kind === 'lib' && PURE_LIBRARIES.includes(here.name);
  const pure = inDomain ? 'domain/' : isPureLibrary ? `@weir/${here.name}` : undefined;
  return { path, here, inDomain, pure, isProduction: !isSpec && PRODUCTION.has(here?.kind) };
}

function resolveTarget(source, filename, here) {
  const relativeTarget = targetOf(source, filename);
  if (relativeTarget !== undefined) {
    const target = workspaceOf(relativeTarget);
    return { target, crossing: target === undefined || !isSame(here, target) };
  }
  const name = packageOf(source);
  if (!name?.startsWith('@weir/')) return { target: undefined, crossing: false };
  const short = name.slice('@weir/'.length);
  const kind = SERVICES.has(short) ? 'service' : (OTHERS[short] ?? 'lib');
  return { target: { kind, name: short }, crossing: false };
}

function checkWorkspaces(place, target, report) {
  const { here } = place;
  if (target === undefined || isSame(here, target)) return;
  if (here.kind === 'simulator') report('simulator');
  else if (target.kind === 'lib') checkLibrary(place, target, report);
  else if (here.kind === 'service' && target.kind === 'service') report('service');
  else report(here.kind === 'lib' ? 'upward' : 'foreign', { kind: `a ${target.kind}` });
}

function checkLibrary({ path, isProduction }, target, report) {
  if (isProduction && target.name === 'testing') report('testing');
  if (matchesAny(path, OUTSIDE_CLIENTS) && !OUTSIDE_CLIENT_LIBRARIES.includes(target.name)) report('client');
}

function isSame(one, other) {
  return one.kind === other.kind && one.name === other.name;
}

function checkDomain({ source, typeOnly }, relativeTarget, target, report) {
  if (relativeTarget !== undefined) {
    if (!/^services\/[^/]+\/src\/domain(?:\/|$)/.test(relativeTarget)) report('adapters');
    return;
  }
  if (target === undefined) {
    if (/^(?:@nestjs\/|typeorm$|rxjs$|reflect-metadata$)/.test(source)) report('adapters');
    return;
  }
  if (target.kind !== 'lib' || DOMAIN_LIBRARIES.includes(target.name)) return;
  if (!DOMAIN_TYPES.includes(target.name)) report('adapters');
  else if (!typeOnly) report('typesOnly');
}

function isIo(source) {
  const name = source.replace(/^node:/, '');
  return builtinModules.includes(name) && IO_MODULES.includes(name);
}
