#!/usr/bin/env node
// Serves the page and the client library on 127.0.0.1, under the paths that they have in the repository's tree. With --server it starts a cairn-signal beside it:
//   node serve.mjs [--port 8090] [--url ws://127.0.0.1:8080] [--server PATH [its flags …]]
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };
const ROOT = path.resolve(HERE, '../..');
const LIBRARY = /^clients\/javascript\/src\/[\w-]+\.js$/;
const PAGE = /^[\w-]+\.(?:html|css|js)$/;

async function answer(request, response) {
  const fail = (status, headers = {}) => response.writeHead(status, headers).end(`${status}\n`);
  if (request.method !== 'GET' && request.method !== 'HEAD') return fail(405, { allow: 'GET, HEAD' });
  const name = request.url.split('?')[0].slice(1) || 'index.html';
  if (!PAGE.test(name) && !LIBRARY.test(name)) return fail(404);
  const file = path.join(PAGE.test(name) ? HERE : ROOT, name);
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) return fail(404);
  response.writeHead(200, {
    'content-type': `${TYPES[path.extname(name)]}; charset=utf-8`,
    'content-length': found.size,
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
  });
  if (request.method === 'HEAD') return response.end();
  createReadStream(file)
    .on('error', () => response.destroy())
    .pipe(response);
}

/** Resolves to { url, close } once it listens; port 0 takes a free one. */
export function servePage(port = 0) {
  const server = createServer(answer);
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const close = () => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ url: `http://127.0.0.1:${server.address().port}/`, close });
    });
  });
}

/** Starts cairn-signal; resolves to { url, child } once it listens. Its log is passed on. */
function startSignal(binary, flags) {
  // In a group of its own, so that Ctrl-C comes to it once, from here: a second one would cut its drain short.
  const child = spawn(binary, flags, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${binary} ended with exit code ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      console.log(line);
      const match = / listening url=(\S+)/.exec(line);
      if (match) resolve({ url: match[1], child });
    });
  });
}

async function main() {
  const options = { port: '8090', url: null, server: null };
  const words = process.argv.slice(2);
  while (words.length > 0 && options.server === null) {
    const name = words.shift().replace(/^--/, '');
    if (!(name in options) || words.length === 0) {
      console.error('usage: serve.mjs [--port PORT] [--url WS_URL] [--server PATH [FLAG …]]');
      process.exit(2);
    }
    options[name] = words.shift();
  }

  const page = await servePage(Number(options.port));
  let { url } = options;
  if (options.server) {
    const signal = await startSignal(options.server, words);
    url ??= signal.url;
    // It is over when the server has drained.
    for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => signal.child.kill(name));
    signal.child.removeAllListeners('exit');
    signal.child.on('exit', (code) => process.exit(code ?? 0));
  }
  console.log(`\n  Open ${page.url}${url ? `?url=${url}` : ''}\n`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error) => {
    console.error(`serve.mjs: ${error.message}`);
    process.exit(1);
  });
}
