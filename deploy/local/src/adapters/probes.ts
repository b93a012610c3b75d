import { get } from 'node:http';
import { connect } from 'node:net';

const PROBE_MS = 2_000;

/** True where the URL answers 200 within two seconds. */
export async function answersOk(url: string): Promise<boolean> {
  return (await findStatus(url)) === 200;
}

/** True where something speaks HTTP at the URL, whatever it says. */
export async function answers(url: string): Promise<boolean> {
  return (await findStatus(url)) !== undefined;
}

function findStatus(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: PROBE_MS, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(undefined));
  });
}

/** True where a NATS server greets on the port (its first line is INFO). */
export function greetsAsNats(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: PROBE_MS });
    const settle = (isNats: boolean) => {
      socket.destroy();
      resolve(isNats);
    };
    socket.once('data', (data) => settle(data.toString('latin1').startsWith('INFO ')));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}
