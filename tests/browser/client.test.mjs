// clients/javascript in Node against real servers, in both shapes: what its README promises, but for meet().
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import WebSocket, { WebSocketServer } from 'ws';

import {
  ClosedError,
  ConnectError,
  NotConnectedError,
  connect as dial,
} from '../../clients/javascript/src/index.js';
import { decode, encode } from '../../clients/javascript/src/cbor.js';
import { subprotocols } from '../../clients/javascript/src/connection.js';
import { SHAPES, TOKEN, nextTopic, serve, stopLater, stopServers, unusedPort } from './support/testbed.mjs';

const PATIENCE_MS = 30_000;
const bytes = (text) => new TextEncoder().encode(text);

const clients = [];

afterEach(async () => {
  clients.splice(0).forEach((client) => client.close());
  await stopServers();
});

async function connect(urls, options) {
  const client = await dial(urls, { WebSocket, minWait: 50, ...options });
  clients.push(client);
  return client;
}

/** The next event of that type; others are passed over. */
async function hear(client, type) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no ${type}`)), PATIENCE_MS)));
  const heard = async () => {
    for await (const event of client) if (event.type === type) return event;
    throw new Error(`ended without ${type}`);
  };
  return Promise.race([heard(), late]).finally(() => clearTimeout(timer));
}

for (const { shape, edges } of SHAPES) {
  describe(shape, () => {
    test('peers learn of each other and relay with receipts', async () => {
      const { urls } = await serve({ edges });
      const topic = nextTopic();
      const [one, other] = [await connect(urls[0]), await connect(urls.at(-1))];
      assert.equal(await one.subscribe(topic), 0);
      assert.equal(await other.subscribe(topic), 1);
      assert.deepEqual(await hear(one, 'joined'), { type: 'joined', topic, peer: other.peer });
      assert.equal(await one.relay(topic, bytes('to all'), { receipt: true }), 1);
      const relayed = await hear(other, 'relay');
      assert.deepEqual(relayed, { type: 'relay', topic, payload: bytes('to all'), from: one.peer });
      assert.equal(await other.relay(topic, bytes('to one'), { to: one.peer }), undefined);
      assert.deepEqual((await hear(one, 'relay')).payload, bytes('to one'));
      assert.equal(await one.relay(topic, bytes(''), { to: '00000000000000ff', receipt: true }), 0);
      other.unsubscribe(topic);
      assert.deepEqual(await hear(one, 'left'), { type: 'left', topic, peer: other.peer });
      assert.equal(await one.relay(topic, bytes('to nobody'), { receipt: true }), 0);
    });

    test('of two who come at once exactly one hears that the other joined', async () => {
      const { urls } = await serve({ edges });
      for (let round = 0; round < 40; round++) {
        const topic = nextTopic();
        const four = await Promise.all(Array.from({ length: 4 }, (_, index) => connect(urls[index % urls.length])));
        await Promise.all(four.map((client) => client.subscribe(topic)));
        // Relays sent before the client's own relay was answered have arrived.
        await Promise.all(four.map((client) => client.relay(topic, bytes(''), { receipt: true })));
        const pairs = [];
        for (const client of four) {
          const { peer } = client;
          client.close();
          for await (const event of client) if (event.type === 'joined') pairs.push([peer, event.peer].sort().join());
        }
        assert.deepEqual([pairs.length, new Set(pairs).size], [6, 6]);
      }
    });

    test('receipts and subscribes may be awaited at once', async () => {
      const { urls } = await serve({ edges });
      const names = Array.from({ length: 20 }, nextTopic);
      const [one, other] = [await connect(urls[0]), await connect(urls.at(-1))];
      assert.deepEqual(await Promise.all(names.map((name) => one.subscribe(name))), names.map(() => 0));
      assert.deepEqual(await Promise.all([other.subscribe(names[0]), other.subscribe(names[0])]), [1, 1]);
      const reached = names.map((name) => other.relay(name, bytes('x'), { receipt: true }));
      assert.deepEqual(await Promise.all(reached), names.map(() => 1));
    });

    test('a subscribe that is unsubscribed before its answer ends, and the next one is answered', async () => {
      const { urls } = await serve({ edges });
      const topic = nextTopic();
      const client = await connect(urls[0]);
      for (let round = 0; round < 20; round++) {
        const ended = assert.rejects(client.subscribe(topic), NotConnectedError);
        client.unsubscribe(topic);
        if (round % 2) await ended;
        assert.equal(await client.subscribe(topic), 0);
        await ended;
        client.unsubscribe(topic);
      }
    });

    test('what would break a limit is refused here', async () => {
      const flags = ['--max-message-bytes', '4000', '--max-topic-bytes', '77', '--max-topics', '2'];
      const { urls } = await serve({ edges, flags });
      const client = await connect(urls[0]);
      assert.deepEqual(client.limits, { message: 4000, topic: 77, topics: 2 });
      await client.subscribe('x'.repeat(77));
      await client.subscribe('y');
      await client.subscribe('y');
      await assert.rejects(client.subscribe('ü'.repeat(39)), RangeError);
      await assert.rejects(client.subscribe('z'), RangeError);
      await assert.rejects(client.relay('y', new Uint8Array(4000)), RangeError);
      await assert.rejects(client.relay('y', bytes(''), { to: 'me' }), RangeError);
      client.unsubscribe('y');
      await client.subscribe('z');
      assert.equal(await client.relay('z', new Uint8Array(3900), { receipt: true }), 0);
      assert.ok(client.peer, 'still connected');
    });

    test('a token lets in and a wrong one does not', async () => {
      const { urls } = await serve({ edges, flags: ['--auth-token', TOKEN] });
      const client = await connect(urls[0], { token: TOKEN });
      assert.equal(await client.subscribe(nextTopic()), 0);
      for (const token of ['wrong', undefined]) {
        await assert.rejects(connect(urls[0], { token }), (error) => {
          assert.ok(error instanceof ConnectError);
          assert.match(error.message, /401/); // ws tells; a browser does not.
          return true;
        });
      }
    });

    test('the first server that answers is taken', async () => {
      const { urls } = await serve({ edges });
      const dead = `ws://127.0.0.1:${await unusedPort()}/`;
      const client = await connect([dead, urls[0]]);
      assert.equal((await hear(client, 'connected')).url, urls[0]);
      await assert.rejects(connect([dead, dead]), ({ attempts }) => attempts.every(({ code }) => code === 1006));
    });

    test('a loop that falls behind loses the oldest and is told', async () => {
      const { urls } = await serve({ edges });
      const topic = nextTopic();
      const [slow, fast] = [await connect(urls[0], { maxQueueBytes: 10_000 }), await connect(urls.at(-1))];
      await slow.subscribe(topic);
      for (let number = 0; number < 50; number++) await fast.relay(topic, new Uint8Array(1000).fill(number));
      assert.equal(await fast.relay(topic, bytes('last'), { receipt: true }), 1);
      // Its own answer comes after all of those: the connection keeps the order.
      await slow.subscribe(nextTopic());
      const told = [];
      for await (const event of slow) {
        told.push(event);
        if (event.payload?.length === 4) break;
      }
      assert.deepEqual(told[0], { type: 'missed', topic, why: 'queue' });
      const numbers = told.slice(1, -1).map(({ payload }) => payload[0]);
      assert.deepEqual(numbers, Array.from(numbers, (_, index) => 50 - numbers.length + index));
      assert.ok(numbers.length >= 5 && numbers.length <= 9, `${numbers.length}`);
    });

    test('reconnect takes a new connection at once', async () => {
      const { urls } = await serve({ edges });
      const client = await connect(urls[0], { minWait: PATIENCE_MS });
      const [topic, before] = [nextTopic(), client.peer];
      await client.subscribe(topic);
      client.reconnect();
      assert.deepEqual(await hear(client, 'disconnected'), { type: 'disconnected', code: 1000, reason: 'closed here', wait: 0 });
      assert.deepEqual(await hear(client, 'missed'), { type: 'missed', topic, why: 'reconnect', others: 0 });
      assert.notEqual(client.peer, before);
    });

    test('a closed client ends its loops and answers nothing more', async () => {
      const { urls } = await serve({ edges });
      const client = await connect(urls[0]);
      const loop = hear(client, 'missed');
      const waiting = client.subscribe(nextTopic());
      client.close();
      await assert.rejects(waiting, NotConnectedError);
      await assert.rejects(loop, /ended without/);
      await assert.rejects(client.subscribe('t'), NotConnectedError);
      await assert.rejects(client.relay('t', bytes('')), NotConnectedError);
    });
  });
}

test('a restart of the core is not noticed', async () => {
  const server = await serve({ edges: 2 });
  const topic = nextTopic();
  const [one, other] = [await connect(server.urls[0]), await connect(server.urls[1])];
  await one.subscribe(topic);
  await other.subscribe(topic);
  const peers = [one.peer, other.peer];
  await server.killCore();
  const during = other.relay(topic, bytes('during'), { receipt: true });
  const subscribed = other.subscribe(nextTopic());
  await server.startCore();
  assert.deepEqual([await during, await subscribed], [1, 0]);
  assert.deepEqual((await hear(one, 'relay')).payload, bytes('during'));
  assert.deepEqual([one.peer, other.peer], peers);
});

test('subscribes that a core answers once after its restart all end', async () => {
  const server = await serve({ edges: 2 });
  const topic = nextTopic();
  const client = await connect(server.urls[0]);
  await server.killCore();
  const subscribed = [1, 2, 3].map(() => client.subscribe(topic));
  await server.startCore();
  assert.deepEqual(await Promise.all(subscribed), [0, 0, 0]);
  client.unsubscribe(topic);
  assert.equal(await client.subscribe(topic), 0);
});

test('after a drain it waits as told, comes back and says what may be missing', async () => {
  const fleet = await serve({ edges: 2, flags: ['--drain', '2s'] });
  const topic = nextTopic();
  const client = await connect([...fleet.urls]);
  await client.subscribe(topic);
  const stopped = fleet.edges[0].stop();
  const draining = await hear(client, 'draining');
  const gone = await hear(client, 'disconnected');
  assert.deepEqual(gone, { type: 'disconnected', code: 1001, reason: 'draining', wait: draining.wait });
  const left = Date.now();
  assert.equal((await hear(client, 'connected')).url, fleet.urls[1]);
  assert.ok(Date.now() - left >= draining.wait - 50);
  assert.equal((await hear(client, 'missed')).topic, topic);
  const other = await connect(fleet.urls[1]);
  assert.equal(await other.subscribe(topic), 1);
  await stopped;
});

test('a server that is killed is awaited, and nothing is sent meanwhile', async () => {
  const port = await unusedPort();
  const first = await serve({ port });
  const client = await connect(first.urls[0], { maxWait: 200 });
  const [topic, ended, made] = [nextTopic(), nextTopic(), nextTopic()];
  await client.subscribe(topic);
  await client.subscribe(ended);
  const before = client.peer;
  await first.edges[0].kill();
  assert.equal((await hear(client, 'disconnected')).code, 1006);
  assert.equal(client.peer, null);
  await assert.rejects(client.relay(topic, bytes('lost')), NotConnectedError);
  client.unsubscribe(ended);
  const subscribed = client.subscribe(made);
  await serve({ port });
  assert.equal(await subscribed, 0);
  assert.deepEqual(await hear(client, 'missed'), { type: 'missed', topic, why: 'reconnect', others: 0 });
  assert.notEqual(client.peer, before);
  const other = await connect(first.urls[0]);
  assert.deepEqual(await Promise.all([topic, ended, made].map((name) => other.subscribe(name))), [1, 0, 1]);
});

test('a receipt that a lost connection owes is an error', async () => {
  const server = await serve({ edges: 2 });
  const client = await connect(server.urls[0]);
  await server.killCore();
  const owed = assert.rejects(client.relay('t', bytes(''), { receipt: true }), NotConnectedError);
  await server.edges[0].kill();
  await owed;
  await server.startCore();
});

describe('a server that is not ours', () => {
  /** handle(socket) is called for each client, which has been welcomed. */
  async function imitate(handle) {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => server.on('listening', resolve));
    server.on('connection', (socket) => {
      const limits = { message: 1000, topic: 100, topics: 9, later: 1 };
      socket.send(encode({ Welcome: { peer: '00000000000000aa', time: 1, limits, later: {} } }));
      handle(socket);
    });
    const stop = () => new Promise((resolve) => server.close(resolve));
    stopLater({ stop });
    return `ws://127.0.0.1:${server.address().port}/`;
  }

  test('what it says that we do not know is passed over', async () => {
    const url = await imitate((socket) => {
      socket.on('message', () => {
        for (const message of [
          { Novelty: { topic: 't', x: { y: 'z' } } },
          { Novelty: 7 },
          { Missed: { topic: 't', later: 3 } },
          { Subscribed: { topic: 't', others: 2n ** 60n, later: new Uint8Array(2) } },
          { Joined: { topic: 't', peer: '00000000000000bb', later: 1 } },
        ]) {
          socket.send(encode(message));
        }
        // Floats, negative numbers, arrays, tags, null, and what is cut short.
        socket.send(Buffer.from('a1674e6f76656c747985fb3ff8000000000000f93c002083010203c11a514b67b0', 'hex'));
        socket.send(Buffer.from('ffff', 'hex'));
        socket.send('text');
        socket.send(encode({ Error: { code: 'last', text: 'x' } }));
      });
    });
    const client = await connect(url);
    assert.equal(await client.subscribe('t'), 2n ** 60n);
    const told = [];
    for await (const event of client) {
      told.push(event);
      if (event.type === 'error') break;
    }
    assert.deepEqual(told.slice(1), [
      { type: 'missed', topic: 't', why: 'server' },
      { type: 'joined', topic: 't', peer: '00000000000000bb' },
      { type: 'error', code: 'last', text: 'x' },
    ]);
  });

  test('closed while it dials, it leaves no connection behind', async () => {
    let dialed = 0;
    const verifyClient = (_, answer) => setTimeout(() => answer(true), dialed++ && 500);
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient });
    await new Promise((resolve) => server.on('listening', resolve));
    stopLater({ stop: () => new Promise((resolve) => server.close(resolve)) });
    server.on('connection', (socket) => {
      const limits = { message: 1000, topic: 100, topics: 9 };
      socket.send(encode({ Welcome: { peer: '00000000000000aa', time: 1, limits } }));
      if (dialed === 1) socket.close(1012);
    });
    const client = await connect(`ws://127.0.0.1:${server.address().port}/`, { minWait: 1, maxWait: 1 });
    await hear(client, 'disconnected');
    while (dialed < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    client.close();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal(server.clients.size, 0);
  });

  for (const code of [1002, 1007, 1008, 1009]) {
    test(`it does not come back after ${code}`, async () => {
      let connections = 0;
      const url = await imitate((socket) => {
        connections++;
        socket.close(code, 'a reason');
      });
      const client = await connect(url, { minWait: 0, maxWait: 0 });
      await assert.rejects(hear(client, 'disconnected'), (error) => {
        assert.ok(error instanceof ClosedError);
        assert.deepEqual([error.code, error.reason], [code, 'a reason']);
        return true;
      });
      assert.equal(connections, 1);
    });
  }

  test('waits grow, and are random', async () => {
    const url = await imitate((socket) => socket.close(1011));
    const client = await connect(url, { minWait: 1, maxWait: 64 });
    const waits = [];
    for await (const event of client) {
      if (event.type === 'disconnected') waits.push(event.wait);
      if (waits.length === 30) break;
    }
    assert.ok(Math.max(...waits) <= 64);
    assert.ok(waits.slice(0, 3).every((wait, index) => wait <= 2 ** index), `${waits}`);
    assert.ok(new Set(waits.slice(8)).size > 5, `${waits}`);
  });
});

test('a subprotocol takes no padding, and a token of ours has none', () => {
  assert.throws(() => new WebSocket('ws://127.0.0.1:1', ['cairn.bearer.YT8-eg==']), SyntaxError);
  for (const token of ['a', 'ab', 'abc', TOKEN, 'ü']) {
    const [, bearer] = subprotocols(token);
    assert.equal(bearer, `cairn.bearer.${Buffer.from(token).toString('base64url')}`);
    assert.doesNotMatch(bearer, /=/);
  }
});

test('CBOR is canonical, and every length of a number comes back', () => {
  assert.equal(
    Buffer.from(encode({ Relay: { topic: 't', payload: Uint8Array.of(0xca, 0xfe), to: undefined, id: 7 } })).toString('hex'),
    'a16552656c6179a365746f7069636174677061796c6f616442cafe62696407',
  );
  for (const number of [0, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2n ** 53n, 2n ** 64n - 1n]) {
    const sent = encode({ n: number });
    assert.equal(decode(sent).n, number);
    assert.ok(sent.length <= 12);
  }
  assert.throws(() => decode(Uint8Array.of(0x5a, 0xff, 0xff, 0xff, 0xff)));
  assert.throws(() => decode(new Uint8Array(100).fill(0x81)));
  assert.deepEqual(Object.keys(decode(Uint8Array.of(0xa1, 0x69, ...bytes('__proto__'), 0x01))), ['__proto__']);
});
