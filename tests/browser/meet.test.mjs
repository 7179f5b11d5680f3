// meet() of clients/javascript in headless Chromium against real servers: which side offers, which peers connect, and which faults a meeting survives.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { serveLibrary } from './support/library.mjs';
import { closeTabs, launch, openTab } from './support/tabs.mjs';
import { SHAPES, TOKEN, nextTopic, serve, stopServers, unusedPort } from './support/testbed.mjs';

const PATIENCE_MS = 60_000;

let browser;
let library;

before(async () => {
  [browser, library] = await Promise.all([launch(), serveLibrary()]);
});

afterEach(async () => {
  const errors = await closeTabs();
  await stopServers();
  assert.deepEqual(errors, []);
});

after(async () => {
  await browser?.close();
  library?.close();
});

/** Runs in the page: keeps what the test looks at in window.seen. */
async function beginInPage({ urls, token, topic, options }) {
  const client = await window.library.connect(urls, { token, minWait: 50, maxWait: 200 });
  const seen = { events: [], heard: [], steps: [], peers: new Set() };
  // Every RTCPeerConnection that is made. One that `isBroken` says that it failed until the other side is heard again, as
  // after a change of networks, which a test cannot have.
  const connections = (window.connections = []);
  class Watched extends RTCPeerConnection {
    constructor(settings) {
      super(settings);
      connections.push(this);
    }

    get connectionState() {
      return this.isBroken ? 'failed' : super.connectionState;
    }

    setRemoteDescription(description) {
      this.isBroken = false;
      return super.setRemoteDescription(description);
    }
  }
  const onprogress = ({ peer, step }) => {
    seen.steps.push(`${peer.role} ${step}`);
    seen.peers.add(peer);
  };
  const media = options.withTrack && {
    setup({ connection }) {
      const { stream } = new AudioContext().createMediaStreamDestination();
      connection.addTrack(stream.getAudioTracks()[0], stream);
      connection.ontrack = ({ track }) => seen.events.push(`track ${track.kind}`);
    },
  };
  const meeting = client.meet(topic, { RTCPeerConnection: Watched, onprogress, ...options, ...media });
  Object.assign(window, { client, meeting, seen });
  (async () => {
    for await (const { type, peer } of meeting) {
      seen.events.push(`${type} ${peer.id}`);
      if (type !== 'open') continue;
      peer.channel.onmessage = ({ data }) => seen.heard.push(data);
      peer.channel.send(`hello from ${meeting.id}`);
    }
    seen.events.push('end');
  })();
  await meeting.joined;
  return meeting.id;
}

class Member {
  static async join(urls, topic, { token, ...options } = {}) {
    const member = new Member();
    member.tab = await openTab(browser, library.url);
    await member.page.waitForFunction(() => window.library);
    member.id = await member.page.evaluate(beginInPage, { urls, topic, token, options });
    return member;
  }

  get page() {
    return this.tab.page;
  }

  see(what) {
    return this.page.evaluate((name) => [...window.seen[name]], what);
  }

  /** Resolves once everybody's greeting is here. */
  async hears(...members) {
    const greetings = members.map(({ id }) => `hello from ${id}`);
    await this.until((words) => words.every((word) => window.seen.heard.includes(word)), greetings);
  }

  async until(condition, argument) {
    await this.page.waitForFunction(condition, argument, { timeout: PATIENCE_MS }).catch(async (error) => {
      const seen = { events: await this.see('events'), heard: await this.see('heard'), steps: await this.see('steps') };
      throw new Error(`${error.message}\n${JSON.stringify(seen, null, 1)}`);
    });
  }

  /** Sends a text to everybody whose channel is open. */
  async say(text) {
    await this.page.evaluate((words) => window.meeting.peers.forEach(({ channel }) => channel.send(words)), text);
  }

  async heard(text) {
    await this.until((words) => window.seen.heard.includes(words), text);
  }
}

async function pair(urls, options) {
  const topic = nextTopic();
  const first = await Member.join([urls[0]], topic, options);
  const second = await Member.join([urls.at(-1)], topic, options);
  await Promise.all([first.hears(second), second.hears(first)]);
  return { topic, first, second };
}

for (const { shape, edges } of SHAPES) {
  describe(shape, () => {
    test('two open a channel; the one who was there offers, once', async () => {
      const { urls } = await serve({ edges, flags: ['--auth-token', TOKEN] });
      const { first, second } = await pair(urls, { token: TOKEN });
      assert.deepEqual(await first.see('events'), [`open ${second.id}`]);
      assert.deepEqual(await second.see('events'), [`open ${first.id}`]);
      const steps = [await first.see('steps'), await second.see('steps')];
      const described = steps.map((all) => all.filter((step) => !step.includes('candidate')));
      assert.deepEqual(described[0], ['offerer found', 'offerer offer', 'offerer answer']);
      assert.deepEqual(described[1], ['answerer found', 'answerer offer', 'answerer answer']);
      assert.equal(await first.page.evaluate(() => window.connections.length), 1);
    });

    test('everybody talks to everybody, also those who come at once', async () => {
      const { urls } = await serve({ edges });
      const topic = nextTopic();
      const members = await Promise.all(
        Array.from({ length: 4 }, (_, index) => Member.join([urls[index % urls.length]], topic)),
      );
      for (const member of members) {
        const others = members.filter((other) => other !== member);
        await member.hears(...others);
        assert.deepEqual((await member.see('events')).sort(), others.map(({ id }) => `open ${id}`).sort());
        // Where two came at once and both began, one connection was given up.
        await member.until(() => window.connections.filter((one) => one.signalingState !== 'closed').length === 3);
      }
    });

    test('one who leaves is gone at once, and may come back', async () => {
      const { urls } = await serve({ edges });
      const { topic, first, second } = await pair(urls);
      await second.page.evaluate(() => window.meeting.close());
      await first.until((id) => window.seen.events.includes(`gone ${id}`), second.id);
      assert.equal((await second.see('events')).at(-1), 'end');
      const again = await Member.join([urls.at(-1)], topic);
      await Promise.all([first.hears(again), again.hears(first)]);
    });
  });
}

test('a channel outlives a server that is killed, and newcomers are met by those who came back', async () => {
  const port = await unusedPort();
  const server = await serve({ port });
  const { topic, first, second } = await pair(server.urls);
  await server.edges[0].kill();
  await Promise.all([first, second].map((member) => member.until(() => window.client.peer === null)));
  await first.say('without a server');
  await second.heard('without a server');
  await serve({ port });
  await Promise.all([first, second].map((member) => member.until(() => window.client.peer !== null)));
  const third = await Member.join(server.urls, topic);
  await third.hears(first, second);
  await first.say('still the same channel');
  await second.heard('still the same channel');
  // Neither lost the other, and the negotiation begun on the reconnect was given up.
  assert.deepEqual((await first.see('events')).sort(), [`open ${second.id}`, `open ${third.id}`].sort());
  assert.deepEqual((await second.see('events')).sort(), [`open ${first.id}`, `open ${third.id}`].sort());
  const living = () => window.connections.filter(({ signalingState }) => signalingState !== 'closed').length;
  await first.until(`(${living})() === 2`);
  await second.until(`(${living})() === 2`);
});

test('one whose edge drains meets those on the other edge', async () => {
  const fleet = await serve({ edges: 2, flags: ['--drain', '1s'] });
  const topic = nextTopic();
  const first = await Member.join(fleet.urls, topic);
  await fleet.edges[0].stop();
  await first.until(() => window.client.peer !== null);
  const second = await Member.join([fleet.urls[1]], topic);
  await Promise.all([first.hears(second), second.hears(first)]);
});

test('a core that is away delays a meeting and does not prevent it', async () => {
  const fleet = await serve({ edges: 2 });
  const topic = nextTopic();
  const first = await Member.join([fleet.urls[0]], topic);
  await fleet.killCore();
  const joining = Member.join([fleet.urls[1]], topic);
  await fleet.startCore();
  const second = await joining;
  await Promise.all([first.hears(second), second.hears(first)]);
});

for (const who of ['first', 'second']) {
  test(`a path that breaks is repaired through the server by an ICE restart: noticed by the ${who}`, async () => {
    const { urls } = await serve({ edges: 2 });
    const members = await pair(urls);
    const { first, second } = members;
    await members[who].page.evaluate(() => {
      const [connection] = window.connections;
      window.ufrag = /ice-ufrag:(.*)/.exec(connection.localDescription.sdp)[1];
      connection.isBroken = true;
      connection.dispatchEvent(new Event('connectionstatechange'));
    });
    // The offerer's second offer and its answer.
    const described = () => window.seen.steps.filter((step) => /answer$/.test(step)).length;
    await first.until(`(${described})() === 2`);
    await second.until(`(${described})() === 2`);
    await first.until(() => window.connections[0].signalingState === 'stable');
    const sdp = await members[who].page.evaluate(() => window.connections[0].localDescription.sdp);
    assert.ok(!sdp.includes(await members[who].page.evaluate(() => window.ufrag)), 'ICE has begun anew');
    await first.say('after the restart');
    await second.heard('after the restart');
    assert.deepEqual(await first.see('events'), [`open ${second.id}`]);
    assert.equal(await second.page.evaluate(() => window.connections.length), 1);
  });
}

test('tracks that setup() adds reach the other side, whoever offers', async () => {
  const { urls } = await serve();
  const { first, second } = await pair(urls, { withTrack: true });
  for (const member of [first, second]) {
    await member.until(() => window.seen.events.includes('track audio'));
    const sends = await member.page.evaluate(() => window.connections[0].getTransceivers().map(({ currentDirection }) => currentDirection));
    assert.deepEqual(sends, ['sendrecv']);
  }
});

test('a peer with whom no path comes about is given up and named', async () => {
  const { urls } = await serve();
  const topic = nextTopic();
  const first = await Member.join(urls, topic, { patience: 5000 });
  // A peer on the topic that never answers.
  const client = await first.page.context().newPage();
  await client.goto(library.url);
  await client.waitForFunction(() => window.library);
  await client.evaluate(async ([url, name]) => {
    window.client = await window.library.connect(url);
    await window.client.subscribe(name);
  }, [urls[0], topic]);
  await first.until(() => window.seen.events.includes('failed undefined'));
  assert.deepEqual(await first.page.evaluate(() => window.meeting.peers), []);
});

test('a browser is told that a wrong token did not let it in', async () => {
  const { urls } = await serve({ flags: ['--auth-token', TOKEN] });
  await assert.rejects(Member.join(urls, nextTopic(), { token: 'wrong' }), /ConnectError.* 1006/);
});
