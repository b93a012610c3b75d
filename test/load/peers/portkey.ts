import { writeFileSync } from 'node:fs';
import { install, scratchFolder, startProcess, stopProcess, type RunningPeer } from './peer.js';

const VERSION = '1.15.2';

/** Portkey's open-source gateway, bare: it has no keys, budgets or log of its own in this edition. */
export async function startPortkey(port: number, upstream: string): Promise<RunningPeer> {
  const folder = scratchFolder(`portkey-${VERSION}`);
  // Its package leaves this dependency unpinned, and streams HTTP 500 with the newest.
  const manifest = {
    name: 'peer',
    private: true,
    dependencies: { '@portkey-ai/gateway': VERSION },
    overrides: { '@hono/node-server': '1.13.8' },
  };
  writeFileSync(`${folder}/package.json`, JSON.stringify(manifest));
  install('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'], folder);
  const child = await startProcess({
    command: process.execPath,
    args: ['node_modules/@portkey-ai/gateway/build/start-server.js', '--headless', `--port=${port}`],
    folder,
    environment: { NODE_ENV: 'production' },
    probe: `http://127.0.0.1:${port}/`,
  });
  return {
    host: '127.0.0.1',
    port,
    key: 'none',
    path: '/v1/chat/completions',
    headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream}/v1` },
    pid: child.pid ?? 0,
    features: `${VERSION}, 1 process; no keys, no budgets, no record`,
    stop: () => stopProcess(child),
  };
}
