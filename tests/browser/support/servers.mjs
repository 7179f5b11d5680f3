// Real servers for the tests: in one process, or two edges and a core, on ports of the kernel's choice.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BINARY = path.resolve(ROOT, process.env.CAIRN_BIN_DIR ?? 'build/dev/bin', 'cairn-signal');
const PATIENCE_MS = 30_000;

function cleanEnvironment() {
  const ours = ([name]) => !name.startsWith('CAIRN_SIGNAL_') && name !== 'RUST_LOG';
  return Object.fromEntries(Object.entries(process.env).filter(ours));
}

class Server {
  #child;
  #lines = [];
  #waiting = new Set();

  constructor(flags) {
    if (!existsSync(BINARY)) throw new Error(`no ${BINARY}: build it, or set CAIRN_BIN_DIR`);
    this.#child = spawn(BINARY, flags, { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment() });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        this.#waiting.forEach((look) => look());
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => {
        resolve(code ?? signal);
        this.#waiting.forEach((look) => look(true));
      });
    });
  }

  /** The first match in the log. */
  logged(pattern) {
    return new Promise((resolve, reject) => {
      const finish = (settle, result) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle(result);
      };
      const fail = (why) => finish(reject, new Error(`${why}: ${pattern}\n${this.#lines.join('\n')}`));
      const look = (isOver) => {
        for (const line of this.#lines) {
          const match = pattern.exec(line);
          if (match) return finish(resolve, match);
        }
        if (isOver) fail('ended without');
      };
      const timer = setTimeout(() => fail('not logged'), PATIENCE_MS);
      this.#waiting.add(look);
      look(false);
    });
  }

  async url() {
    return (await this.logged(/ listening url=(\S+)/))[1];
  }

  stop() {
    this.#child.kill('SIGTERM');
    return this.ended;
  }

  kill() {
    this.#child.kill('SIGKILL');
    return this.ended;
  }
}

/**
 * Resolves to { urls, stop, edges, killCore, startCore }: one url for each edge. stop() rejects unless every process ends
 * with 0, but for those that were killed. `port`: of the only process.
 */
export async function startServers({ edges = 0, flags = [], port = 0 } = {}) {
  const directory = await mkdtemp(path.join(tmpdir(), 'cairn-browser-'));
  const client = ['--listen-addr', `127.0.0.1:${port}`, ...(flags.includes('--drain') ? [] : ['--drain', '0s']), ...flags];
  const address = `unix:${directory}/core`;
  const clientFacing = [];
  const killed = new Set();
  let core = null;
  const kill = async (server) => {
    killed.add(server);
    await server.kill();
  };
  const startCore = async () => {
    core = new Server(['--role', 'core', '--grpc-listen-addr', address]);
    await core.logged(/ listening grpc=/);
  };
  if (edges === 0) {
    clientFacing.push(new Server([...client, '--grpc-listen-addr', '127.0.0.1:0']));
  } else {
    await startCore();
    for (let index = 0; index < edges; index++) {
      clientFacing.push(new Server([...client, '--role', 'edge', '--core', address, '--edge-name', `edge-${index}`]));
    }
    await Promise.all(clientFacing.map((edge) => edge.logged(/core_link_up/)));
  }

  let stopped = null;
  const stopAll = async () => {
    const ours = clientFacing.filter((server) => !killed.has(server));
    const codes = await Promise.all(ours.map((server) => server.stop()));
    if (core && !killed.has(core)) codes.push(await core.stop());
    await rm(directory, { recursive: true });
    if (codes.some((code) => code !== 0)) throw new Error(`servers ended with ${codes.join(', ')}`);
  };
  return {
    urls: await Promise.all(clientFacing.map((server) => server.url())),
    stop: () => (stopped ??= stopAll()),
    /** { stop, kill } of each. */
    edges: clientFacing.map((server) => ({ stop: () => server.stop(), kill: () => kill(server) })),
    killCore: () => kill(core),
    startCore,
  };
}

/** Resolves to the flags of a self-signed certificate for 127.0.0.1, in files of that directory. */
export async function selfSigned(directory) {
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => path.join(directory, name));
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
  ]);
  return ['--tls-cert', certificate, '--tls-key', key];
}
