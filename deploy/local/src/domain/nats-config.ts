import type { BusPermissions } from '@weir/contracts';

export interface NatsUser {
  readonly user: string;
  readonly password: string;
  /** Absent: everything (people and scripts, by connection.json). */
  readonly permissions?: BusPermissions;
}

export interface NatsConfigInput {
  readonly port: number;
  readonly storeDirectory: string;
  readonly users: readonly NatsUser[];
}

/**
 * The configuration of the local nats-server. Only fields that 2.9.10 (Debian 12) knows: an unknown one stops the server
 * at start. `max_payload` stays at its default of 1 MiB.
 */
export function buildNatsConfig(input: NatsConfigInput): string {
  const users = input.users.map(renderUser).join(',\n');
  return [
    `server_name: weir-local`,
    `listen: "127.0.0.1:${input.port}"`,
    `jetstream {\n  store_dir: ${quote(input.storeDirectory)}\n}`,
    `authorization {\n  users: [\n${users}\n  ]\n}`,
    '',
  ].join('\n');
}

function renderUser(entry: NatsUser): string {
  const identity = `user: ${quote(entry.user)}, password: ${quote(entry.password)}`;
  if (entry.permissions === undefined) return `    { ${identity} }`;
  const publish = renderSubjects(entry.permissions.publish);
  const subscribe = renderSubjects(entry.permissions.subscribe);
  return `    { ${identity}, permissions: {\n      publish: { allow: [${publish}] }\n      subscribe: { allow: [${subscribe}] }\n    } }`;
}

function renderSubjects(subjects: readonly string[]): string {
  subjects.forEach(refusePartialWildcard);
  return [...new Set(subjects)].map(quote).join(', ');
}

// A NATS wildcard is a whole token: "EVENTS_*" is a literal name, and the permission would match no stream.
function refusePartialWildcard(subject: string): void {
  const token = subject.split('.').find((part) => part.length > 1 && /[*>]/.test(part));
  if (token !== undefined)
    throw new Error(`the permission ${subject} matches nothing: ${token} is no wildcard in NATS`);
}

// A bare `$JS…` is a variable reference in this format, so every value is quoted.
function quote(text: string): string {
  return JSON.stringify(text);
}
