import { existsSync, writeFileSync } from 'node:fs';
import { install, scratchFolder, startProcess, stopProcess, type RunningPeer } from './peer.js';

const VERSION = '1.106.0';
const WORKERS = 2;

/** LiteLLM's proxy with a master key and no database, which is its fastest. */
export async function startLiteLlm(port: number, upstream: string): Promise<RunningPeer> {
  const folder = scratchFolder(`litellm-${VERSION}`);
  const python = `${folder}/venv/bin/python`;
  if (!existsSync(`${folder}/venv/bin/litellm`)) {
    install('python3', ['-m', 'venv', 'venv'], folder);
    install(python, ['-m', 'pip', 'install', '--quiet', `litellm[proxy]==${VERSION}`], folder);
  }
  const settings = { model: 'openai/mock', api_base: `${upstream}/v1`, api_key: 'none' };
  writeFileSync(
    `${folder}/config.yaml`,
    JSON.stringify({ model_list: [{ model_name: 'mock', litellm_params: settings }] }),
  );
  const child = await startProcess({
    command: `${folder}/venv/bin/litellm`,
    args: ['--config', 'config.yaml', '--host', '127.0.0.1', '--port', String(port), '--num_workers', String(WORKERS)],
    folder,
    environment: { LITELLM_MASTER_KEY: 'sk-bench', LITELLM_LOG: 'ERROR' },
    probe: `http://127.0.0.1:${port}/health/liveliness`,
  });
  return {
    host: '127.0.0.1',
    port,
    key: 'sk-bench',
    path: '/v1/chat/completions',
    headers: {},
    pid: child.pid ?? 0,
    features: `${VERSION}, ${WORKERS} workers; a master key, no database, no budgets, no record`,
    stop: () => stopProcess(child),
  };
}
