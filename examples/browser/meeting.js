// One run: from the socket to the open data channels. The client library finds the other tabs; this measures and talks.
import { connect } from 'cairn-signal-client';

const LEAVE_TIMEOUT_MS = 500;

/**
 * It is used once: another try is another Run.
 *
 * Handlers:
 *   state(name)       'connecting', 'waiting', 'negotiating', 'open'
 *   changed()         the timeline has something new
 *   said(text)        another tab sent a message
 *   heard(n, ms)      message n, which say() returned, came back after that time
 *   serverLost(why)   { code, reason, wait }: the client connects again by itself
 *   serverBack()
 *   again()           another tab starts anew, and so should this one
 *   left()            the last of the other tabs has left
 *   ended(error)      it is over: what the library threw, or null when no direct path came about; once and last
 */
export class Run {
  #settings;
  #timeline;
  #handlers;
  #client;
  #meeting;
  #over = false;
  #haveLeft = null;
  #messages = 0;
  #unanswered = new Map();

  constructor({ url, topic, token, timeline, handlers }) {
    this.#settings = { url, topic, token };
    this.#timeline = timeline;
    this.#handlers = handlers;
    handlers.state('connecting');
    this.#run().catch((error) => this.#end(error));
  }

  get id() {
    return this.#meeting?.id;
  }

  get peers() {
    return this.#meeting?.peers ?? [];
  }

  /** Sends a message to the other tabs; returns its number. */
  say(text) {
    const n = ++this.#messages;
    this.#unanswered.set(n, performance.now());
    this.#send({ n, text });
    return n;
  }

  leave() {
    this.#finish();
  }

  /** Tells the other tabs to start anew too; resolves when they have left, so that none of them meets this run again. */
  async leaveTogether() {
    this.#client.unsubscribe(this.#settings.topic);
    const haveLeft = new Promise((resolve) => (this.#haveLeft = resolve));
    this.#send({ again: true });
    const late = new Promise((resolve) => setTimeout(resolve, LEAVE_TIMEOUT_MS));
    await Promise.race([haveLeft, late]);
    this.#finish();
  }

  async #run() {
    const { url, topic, token } = this.#settings;
    this.#client = await connect(url, { token });
    if (this.#over) return this.#client.close();
    this.#mark('socket');
    this.#watchServer().catch((error) => this.#end(error));
    this.#meeting = this.#client.meet(topic, { onprogress: (progress) => this.#onProgress(progress) });
    await this.#meeting.joined;
    this.#mark('subscribe');
    if (!this.#timeline.role) this.#handlers.state('waiting');
    for await (const { type, peer } of this.#meeting) {
      if (this.#over) return;
      if (type === 'open') this.#onOpen(peer);
      else if (type === 'failed' && this.peers.length === 0) this.#end(null);
      else if (type === 'gone' && this.peers.length === 0) (this.#haveLeft ?? this.#handlers.left)();
    }
  }

  async #watchServer() {
    let isLost = false;
    for await (const event of this.#client) {
      // Only the first of several attempts says why the server went.
      if (event.type === 'disconnected' && !isLost) this.#handlers.serverLost(event);
      if (event.type === 'connected' && isLost) this.#handlers.serverBack();
      isLost = event.type === 'disconnected' || (isLost && event.type !== 'connected');
    }
  }

  /** The timeline is about the first of the other tabs. */
  #onProgress({ peer, step }) {
    if (step === 'found' && !this.#timeline.role) {
      this.#timeline.role = peer.role;
      this.#handlers.state('negotiating');
    }
    if (step === 'found') this.#mark('heard');
    else if (step.startsWith('candidate-')) this.#timeline.candidate(step.slice('candidate-'.length));
    else this.#mark(step);
    const { connection } = peer;
    connection.oniceconnectionstatechange = () => {
      if (['connected', 'completed'].includes(connection.iceConnectionState)) this.#mark('ice');
    };
    this.#handlers.changed();
  }

  #onOpen(peer) {
    this.#mark('ice');
    this.#mark('channel');
    peer.channel.onmessage = ({ data }) => this.#onMessage(peer, JSON.parse(data));
    this.say('');
    if (this.peers.length === 1) this.#handlers.state('open');
  }

  #onMessage(peer, { n, text, echo, again }) {
    if (again) return this.#handlers.again();
    if (echo === undefined) {
      if (peer.channel.readyState === 'open') peer.channel.send(JSON.stringify({ echo: n }));
      if (text) this.#handlers.said(String(text));
    } else if (this.#unanswered.has(echo)) {
      this.#mark('echo');
      this.#handlers.heard(echo, performance.now() - this.#unanswered.get(echo));
      this.#unanswered.delete(echo);
    }
  }

  #send(message) {
    for (const { channel } of this.peers) channel.send(JSON.stringify(message));
  }

  #mark(name) {
    this.#timeline.mark(name);
    this.#handlers.changed();
  }

  #end(error) {
    if (this.#over) return;
    this.#finish();
    this.#handlers.ended(error);
  }

  #finish() {
    this.#over = true;
    this.#client?.close();
  }
}
