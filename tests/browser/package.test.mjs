// What `npm pack` makes of clients/javascript, installed in a project of its own; its types; its size; its README.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

import { startServers } from './support/servers.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const LIBRARY = path.resolve(HERE, '../../clients/javascript');
const MAX_COMPRESSED_BYTES = 10 << 10;
const run = promisify(execFile);

let project;

before(async () => {
  project = await mkdtemp(path.join(tmpdir(), 'cairn-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: LIBRARY });
  const [{ filename }] = JSON.parse(stdout);
  await writeFile(path.join(project, 'package.json'), '{ "type": "module", "private": true }');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${filename}`], { cwd: project });
});

after(() => project && rm(project, { recursive: true }));

/** The code blocks of the README in that language. */
async function examples(language) {
  const text = await readFile(path.join(LIBRARY, 'README.md'), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code]) => code);
}

/** The first example of the README with another URL; Node below 22 has no WebSocket of its own. */
async function runnable(url) {
  const [example] = await examples('js');
  assert.ok(example.trimEnd().split('\n').length <= 12, 'short');
  const ws = path.join(HERE, 'node_modules/ws/wrapper.mjs');
  const code = example.replace("'wss://signal.example.com'", url);
  return `import Ws from ${JSON.stringify(ws)};\nglobalThis.WebSocket ??= Ws;\n${code}`;
}

test('the package has the library, its types, its documents, and needs no other', async () => {
  const folder = path.join(project, 'node_modules/cairn-signal-client');
  assert.deepEqual((await readdir(folder)).sort(), ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'src']);
  assert.deepEqual(await readdir(path.join(project, 'node_modules')).then((names) => names.filter((name) => name[0] !== '.')), [
    'cairn-signal-client',
  ]);
  const facts = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  assert.equal(facts.dependencies, undefined);
  const changes = await readFile(path.join(folder, 'CHANGELOG.md'), 'utf8');
  assert.ok(changes.includes(`\n## ${facts.version}`), 'the changelog has this version');
});

test('the library is small', async () => {
  const folder = path.join(LIBRARY, 'src');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.js'));
  const sources = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
  const { length } = gzipSync(sources.join('\n'), { level: 9 });
  assert.ok(length <= MAX_COMPRESSED_BYTES, `${length} bytes compressed, comments included`);
});

test('the first example of the README works from the installed package', async () => {
  const server = await startServers();
  try {
    await writeFile(path.join(project, 'first.js'), await runnable(JSON.stringify(server.urls[0])));
    const start = () => {
      const child = execFile('node', ['first.js'], { cwd: project });
      let said = '';
      const says = (pattern) =>
        new Promise((resolve, reject) => {
          const look = () => pattern.test(said) && resolve(said);
          child.stdout.on('data', (text) => look((said += text)));
          child.stderr.on('data', (text) => (said += text));
          child.on('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)));
          look();
        });
      return { child, says };
    };
    const first = start();
    await first.says(/0 others/);
    const second = start();
    await second.says(/1 others/);
    await second.says(/hello/);
    for (const { child } of [first, second]) child.removeAllListeners('exit').kill();
  } finally {
    await server.stop();
  }
});

test('the first example of the README passes the conformance check', async () => {
  await writeFile(path.join(project, 'checked.js'), await runnable('process.argv[2]'));
  const check = path.resolve(HERE, '../../clients/conformance/check');
  const python = process.env.CAIRN_TEST_PYTHON ?? '/usr/bin/python3';
  const { stdout } = await run(python, [check, '--', 'node', 'checked.js', '{url}'], { cwd: project }).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  assert.equal(stdout.match(/^ok /gm).length, 8, stdout);
});

test('every example of the README has the declared types, and a wrong one has not', async () => {
  const compile = async (code) => {
    await writeFile(path.join(project, 'check.mts'), code);
    const flags = '--noEmit --strict --target es2022 --module nodenext --lib es2023,dom,dom.asynciterable'.split(' ');
    const tsc = path.join(HERE, 'node_modules/typescript/bin/tsc');
    await run('node', [tsc, ...flags, 'check.mts'], { cwd: project }).catch(({ stdout }) => {
      throw new Error(`${stdout}\n${code}`);
    });
  };
  const head = "import { connect, SignalClient, type Peer } from 'cairn-signal-client';\n";
  const all = await examples('js');
  assert.ok(all.length >= 3);
  for (const [index, example] of all.entries()) {
    const missing = index === 0 ? '' : `${head}declare const client: SignalClient;\n`;
    await compile(`${missing}${example}\nexport {};`);
  }
  const wrong = `${head}const client = await connect('ws://x');\n`;
  await assert.rejects(compile(`${wrong}await client.relay('t', 'text');`), /not assignable/);
  await assert.rejects(compile(`${wrong}for await (const event of client) event.payload;`), /payload/);
});
