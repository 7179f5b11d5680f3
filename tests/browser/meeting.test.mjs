// meet() of clients/javascript with lost messages and simultaneous starts: which side offers, and that all peers connect in the end.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { FakeConnection, FakeServer, Member, seeded } from './support/fake_meeting.mjs';

const PATIENCE_MS = 10_000;
const members = [];

afterEach(() => members.splice(0).forEach(({ meeting }) => meeting.close()));

function join(server, options) {
  members.push(new Member(server, options));
  return members.at(-1);
}

async function eventually(condition, what) {
  for (const end = Date.now() + PATIENCE_MS; !condition(); await sleep(2)) assert.ok(Date.now() < end, what());
}

/** Everybody has one open connection to everybody else, and no other. */
async function allMeet(who) {
  const want = (member) => who.filter((other) => other !== member).map(({ meeting }) => meeting.id).sort().join();
  const have = (member) => member.open.sort().join();
  const isDone = (member) => have(member) === want(member) && member.living.length === who.length - 1;
  await eventually(
    () => who.every(isDone),
    () => who.map((member) => `${member.meeting.id} has ${have(member)}, wants ${want(member)}, living ${member.living.length}`).join('\n'),
  );
}

test('the one who hears of the other offers; the other answers', async () => {
  const server = new FakeServer(seeded(1));
  const [first, second] = [join(server), join(server)];
  await allMeet([first, second]);
  assert.deepEqual([first.meeting.peers[0].role, second.meeting.peers[0].role], ['offerer', 'answerer']);
  assert.deepEqual([first.connections.length, second.connections.length], [1, 1]);
});

test('two who begin at once keep one connection, whose offerer has the lower id', async () => {
  let crossed = 0;
  FakeConnection.glares = 0;
  for (let seed = 0; seed < 20; seed++) {
    const server = new FakeServer(seeded(seed));
    const pair = [join(server), join(server)];
    // As if each had been there first.
    pair[1].meeting.hear({ type: 'joined', topic: 't', peer: pair[0].address });
    await allMeet(pair);
    const [lower, higher] = pair.sort((one, other) => (one.meeting.id < other.meeting.id ? -1 : 1));
    assert.notEqual(lower.meeting.peers[0].role, higher.meeting.peers[0].role);
    if (lower.connections.length === 1 && higher.connections.length === 2) {
      crossed++;
      assert.equal(lower.meeting.peers[0].role, 'offerer');
    }
    pair.forEach(({ meeting }) => meeting.close());
  }
  assert.ok(crossed > 5, `${crossed} of 20 crossed`);
  assert.equal(FakeConnection.glares, 0);
});

test('more than so many are not met, whatever they say', async () => {
  const server = new FakeServer(seeded(1));
  const member = join(server, { maxPeers: 3 });
  await member.meeting.joined;
  for (let number = 0; number < 20; number++) {
    const offer = JSON.stringify({ k: 'offer', me: `stranger ${number}`, c: `${number}`, n: 1, sdp: '[0,0]' });
    const [payload, from] = [new TextEncoder().encode(offer), number.toString(16).padStart(16, '0')];
    member.meeting.hear({ type: 'relay', topic: 't', payload, from });
    member.meeting.hear({ type: 'joined', topic: 't', peer: `1${from.slice(1)}` });
  }
  assert.equal(member.connections.length, 3);
});

for (const who of [0, 1]) {
  test(`a connection that one has and the other has given up is begun anew (${who})`, async () => {
    const server = new FakeServer(seeded(3));
    const pair = [join(server), join(server)];
    await allMeet(pair);
    const [connection] = pair[who].connections;
    // No other peer notices its close.
    server.loss = 1;
    connection.close = function () {
      this.connectionState = 'closed';
    };
    pair[who].meeting.ended(pair[who].meeting.peers[0]);
    server.loss = 0;
    server.saysMissed();
    await allMeet(pair);
  });
}

describe('whatever is lost, everybody meets after a missed', () => {
  for (let seed = 1; seed <= 24; seed++) {
    test(`seed ${seed}`, async () => {
      const random = seeded(seed);
      const server = new FakeServer(random);
      FakeConnection.glares = 0;
      const who = [];
      server.loss = random() * 0.6;
      for (let count = 0; count < 4; count++) {
        who.push(join(server));
        await sleep(random() * 10);
      }
      for (let step = 0; step < 6; step++) {
        const member = who[Math.floor(random() * who.length)];
        const what = random();
        if (what < 0.5) member.returns({ first: random() < 0.5 });
        else if (member.living.length > 0) member.living[0].fail();
        await sleep(random() * 20);
      }
      server.loss = 0;
      server.saysMissed();
      await allMeet(who);
      assert.equal(FakeConnection.glares, 0, 'an offer or answer came when none could be taken');
    });
  }
});
