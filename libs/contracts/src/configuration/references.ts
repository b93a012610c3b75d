import type { Configuration, ConfigurationFault } from './configuration.js';

type Path = readonly (string | number)[];

function findRepeated(kind: string, names: readonly string[], pathOf: (index: number) => Path): ConfigurationFault[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? [{ path: pathOf(index), message: `${kind} "${name}" is there twice; give each its own name` }]
      : [],
  );
}

function findMissing(wanted: string, kind: string, known: ReadonlySet<string>, path: Path): ConfigurationFault[] {
  if (known.has(wanted)) return [];
  return [{ path, message: `there is no ${kind} "${wanted}"; known: ${[...known].sort().join(', ') || 'none'}` }];
}

function deploymentFaults(configuration: Configuration): ConfigurationFault[] {
  const providers = new Map(configuration.providers.map((provider) => [provider.id, provider]));
  const names = new Set(providers.keys());
  return configuration.models.flatMap((model, m) =>
    model.deployments.flatMap((deployment, d) => {
      const path = ['models', m, 'deployments', d] as const;
      const missing = findMissing(deployment.provider, 'provider', names, [...path, 'provider']);
      if (missing.length > 0) return missing;
      const endpoints = providers.get(deployment.provider)?.endpoints ?? {};
      if (endpoints[deployment.adapter] !== undefined) return [];
      const offered = Object.keys(endpoints).join(', ') || 'none';
      return [
        {
          path: [...path, 'adapter'],
          message: `provider "${deployment.provider}" has no endpoint for ${deployment.adapter} (it has: ${offered}); add one or choose another adapter`,
        },
      ];
    }),
  );
}

/** Faults that a schema cannot see: names that are there twice, and references to what is not there. */
export function findReferenceFaults(configuration: Configuration): ConfigurationFault[] {
  const teams = new Set(configuration.teams.map((team) => team.id));
  const people = new Set(configuration.people.map((person) => person.id));
  const models = new Set(configuration.models.map((model) => model.name));
  return [
    ...findRepeated(
      'team',
      configuration.teams.map((team) => team.id),
      (n) => ['teams', n, 'id'],
    ),
    ...findRepeated(
      'person',
      configuration.people.map((person) => person.id),
      (n) => ['people', n, 'id'],
    ),
    ...findRepeated(
      'key',
      configuration.keys.map((key) => key.name),
      (n) => ['keys', n, 'name'],
    ),
    ...findRepeated(
      'provider',
      configuration.providers.map((provider) => provider.id),
      (n) => ['providers', n, 'id'],
    ),
    ...findRepeated(
      'model',
      configuration.models.map((model) => model.name),
      (n) => ['models', n, 'name'],
    ),
    ...findRepeated(
      'alias',
      configuration.aliases.map((alias) => alias.name),
      (n) => ['aliases', n, 'name'],
    ),
    ...configuration.people.flatMap((person, n) => findMissing(person.team, 'team', teams, ['people', n, 'team'])),
    ...configuration.keys.flatMap((key, n) => [
      ...findMissing(key.team, 'team', teams, ['keys', n, 'team']),
      ...(key.person === null ? [] : findMissing(key.person, 'person', people, ['keys', n, 'person'])),
    ]),
    ...configuration.aliases.flatMap((alias, n) => findMissing(alias.model, 'model', models, ['aliases', n, 'model'])),
    ...deploymentFaults(configuration),
  ];
}
