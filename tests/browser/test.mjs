// The example page in real browsers against real servers.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';

import { servePage } from '../../examples/browser/serve.mjs';
import { STEPS } from '../../examples/browser/timeline.js';
import { selfSigned } from './support/servers.mjs';
import { closeTabs, launch, openTab } from './support/tabs.mjs';
import { TOKEN, nextTopic, serve, stopServers, unusedPort } from './support/testbed.mjs';


let browser;
let page;
let directory;

before(async () => {
  [browser, page, directory] = await Promise.all([
    launch(),
    servePage(),
    mkdtemp(path.join(tmpdir(), 'cairn-browser-')),
  ]);
});

afterEach(async () => {
  const errors = await closeTabs();
  await stopServers();
  assert.deepEqual(errors, []);
});

after(async () => {
  await browser?.close();
  page?.close();
  if (directory) await rm(directory, { recursive: true });
});

const openPage = (query, options) => openTab(browser, `${page.url}?${new URLSearchParams(query)}`, options);

/** Two tabs that have met; the second pressed Connect when the first already waited. */
async function openPair(first, second, options) {
  const topic = nextTopic();
  const a = await openPage({ topic, ...first }, options);
  const b = await openPage({ topic, ...second }, options);
  await a.connect();
  await a.reaches('waiting');
  await b.connect();
  await a.reaches('open');
  await b.reaches('open');
  return [a, b];
}

/** What a person would read off the page, in the test's output. */
function report(t, who, { total, steps }) {
  const milliseconds = [...steps].map(([step, ms]) => `${step} ${ms.toFixed(1)}`).join(', ');
  t.diagnostic(`${t.name}, ${who}: ${total.toFixed(0)} ms from socket to open channel (${milliseconds})`);
}

describe('two tabs open a data channel', () => {
  const ways = [
    { name: 'through one process' },
    { name: 'across two edges and a core', edges: 2 },
    { name: 'with a token', flags: () => ['--auth-token', TOKEN], query: { token: TOKEN } },
    { name: 'over wss with a self-signed certificate', flags: () => selfSigned(directory), trust: true },
  ];
  for (const { name, edges, flags, query, trust } of ways) {
    test(name, async (t) => {
      const { urls } = await serve({ edges, flags: await flags?.() });
      const options = { ignoreHTTPSErrors: trust };
      const [a, b] = await openPair({ url: urls[0], ...query }, { url: urls.at(-1), ...query }, options);
      assert.equal(new URL(urls[0]).protocol, trust ? 'wss:' : 'ws:');

      await a.say('from a to b');
      await b.hears('from a to b');
      await b.say('from b to a');
      await a.hears('from b to a');

      for (const tab of [a, b]) {
        const { total, steps } = await tab.measured();
        assert.deepEqual([...steps.keys()], STEPS.map(({ mark }) => mark));
        report(t, tab === a ? 'first tab' : 'second tab', { total, steps });
      }
      // One tab makes the offer, the other the answer, and both agree which.
      const who = await Promise.all([a, b].map((tab) => tab.page.locator('#who').innerText()));
      assert.equal(who.filter((text) => text.includes('this tab was there first')).length, 1, who.join('\n'));
    });
  }
});

test('the offer, the answer and the candidates are CBOR relays, and the token is in no address', async () => {
  const { urls } = await serve({ flags: ['--auth-token', TOKEN] });
  const [a, b] = await openPair({ url: urls[0], token: TOKEN }, { url: urls[0], token: TOKEN });
  const nameOf = (frame) => {
    assert.equal(frame[0], 0xa1, 'a map with one entry');
    return frame.subarray(2, 2 + (frame[1] & 31)).toString();
  };
  for (const { sockets, page: shown } of [a, b]) {
    assert.equal(sockets.length, 1);
    const [{ sent, received }] = sockets;
    assert.deepEqual(sent.map(nameOf), ['Subscribe', ...sent.slice(1).map(() => 'Relay')]);
    const heard = new Set(received.map(nameOf));
    assert.ok([...heard].every((name) => ['Welcome', 'Subscribed', 'Joined', 'Relay'].includes(name)), [...heard].join());
    for (const word of ['offer', 'answer', 'candidate']) {
      assert.ok([...sent, ...received].some((frame) => frame.includes(word)), word);
    }
    assert.doesNotMatch(sockets[0].url, /horse/);
    assert.doesNotMatch(shown.url(), /horse/);
  }
});

test('the second tab connects by itself', async () => {
  const { urls } = await serve({ flags: ['--auth-token', TOKEN] });
  const a = await openPage({ url: urls[0], topic: 'link & more', token: TOKEN });
  await a.connect();
  const link = a.page.getByRole('link', { name: 'Open the second tab' });
  const b = await openTab(browser, new URL(await link.getAttribute('href'), a.page.url()).href);
  await a.reaches('open');
  await b.reaches('open');
  assert.doesNotMatch(b.page.url(), /horse/);
});

test('measure again starts both tabs anew', async (t) => {
  const { urls } = await serve();
  const [a, b] = await openPair({ url: urls[0] }, { url: urls[0] });
  await a.measured();
  const sockets = [a, b].map(({ page }) => page.waitForEvent('websocket'));
  await b.page.getByRole('button', { name: 'Measure again' }).click();
  await Promise.all(sockets);
  await a.reaches('open');
  await b.reaches('open');
  await a.say('again');
  await b.hears('again');
  assert.deepEqual([a.sockets.length, b.sockets.length], [2, 2]);
  for (const tab of [a, b]) report(t, tab === a ? 'first tab' : 'second tab', await tab.measured());
});

test('a tab that leaves makes room for the next', async () => {
  const { urls } = await serve();
  const topic = nextTopic();
  const [a, b] = await openPair({ url: urls[0], topic }, { url: urls[0], topic });
  await b.page.goto('about:blank');
  assert.match(await a.alert(), /The other tab has left/);
  await a.reaches('waiting');
  const c = await openPage({ url: urls[0], topic, connect: '' });
  await a.reaches('open');
  await c.reaches('open');
});

test('a third tab talks to both, and they go on when it leaves', async () => {
  const { urls } = await serve({ edges: 2 });
  const topic = nextTopic();
  const [a, b] = await openPair({ url: urls[0], topic }, { url: urls[1], topic });
  const c = await openPage({ url: urls[0], topic, connect: '' });
  await c.reaches('open');
  await c.page.waitForFunction(() => document.getElementById('who').innerText.split('…').length === 4);
  await c.say('to both');
  await a.hears('to both');
  await b.hears('to both');
  await c.page.getByRole('button', { name: 'Disconnect' }).click();
  await a.say('still here');
  await b.hears('still here');
});

test('the data channel outlives the server', async () => {
  const server = await serve();
  const [a, b] = await openPair({ url: server.urls[0] }, { url: server.urls[0] });
  await server.stop();
  assert.match(await a.alert(), /1001 draining[^]*The data channel stays open/);
  await a.say('without a server');
  await b.hears('without a server');
});

describe('a person sees what to do', () => {
  test('with a wrong token', async () => {
    const { urls } = await serve({ flags: ['--auth-token', TOKEN] });
    const tab = await openPage({ url: urls[0], topic: 'x', token: 'wrong', connect: '' });
    assert.match(await tab.alert(), /did not let us in[^]*token is wrong/);
    await tab.page.getByLabel('Token').fill(TOKEN);
    await tab.connect();
    await tab.reaches('waiting');
    assert.ok(await tab.page.getByRole('alert').isHidden());
  });

  test('without a token where one is needed', async () => {
    const { urls } = await serve({ flags: ['--auth-token', TOKEN] });
    const tab = await openPage({ url: urls[0], topic: 'x', connect: '' });
    assert.match(await tab.alert(), /wants a token/);
  });

  test('when nothing listens', async () => {
    const tab = await openPage({ url: `ws://127.0.0.1:${await unusedPort()}`, topic: 'x', connect: '' });
    assert.match(await tab.alert(), /Nothing answers there[^]*Is a server running/);
  });

  test('when the certificate is not trusted', async () => {
    const { urls } = await serve({ flags: await selfSigned(directory) });
    const tab = await openPage({ url: urls[0], topic: 'x', connect: '' });
    assert.match(await tab.alert(), /does not trust its certificate/);
    assert.equal(await tab.page.locator('#alert-link').getAttribute('href'), `${urls[0].replace('wss', 'https')}/`);
  });

  test('with an address that is none', async () => {
    const tab = await openPage({ url: 'http://127.0.0.1:1', topic: 'x', connect: '' });
    assert.match(await tab.alert(), /begins with ws:\/\//);
  });

  test('when a limit closes the connection', async () => {
    const { urls } = await serve({ flags: ['--max-topic-bytes', '8'] });
    const tab = await openPage({ url: urls[0], topic: 'longer than eight', connect: '' });
    assert.match(await tab.alert(), /a topic of 17 bytes: the server allows 8/);
    await tab.reaches('idle');
  });

  test('when the server is stopped', async () => {
    const server = await serve();
    const tab = await openPage({ url: server.urls[0], topic: 'x', connect: '' });
    await tab.reaches('waiting');
    await server.stop();
    assert.match(await tab.alert(), /1001 draining[^]*connects to the server again/);
  });
});

test('nothing is wider than the narrowest screen', async () => {
  const { urls } = await serve();
  const [a] = await openPair({ url: urls[0] }, { url: urls[0] }, { viewport: { width: 320, height: 640 } });
  await a.measured();
  await a.page.getByText('The same numbers as a table').click();
  const widths = await a.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.equal(widths[0], widths[1]);
});
