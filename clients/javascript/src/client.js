// What an application holds: one client, which has a connection most of the time and keeps its subscriptions always.
import { encode } from './cbor.js';
import { Connection, isFinal } from './connection.js';
import { ClosedError, ConnectError, NotConnectedError } from './errors.js';
import { Meeting } from './meeting.js';
import { EventQueue } from './queue.js';

const PEER_ID = /^[0-9a-f]{16}$/;
const LONG_WAIT = 3; // How often 1013, "too full", counts as a failed attempt.
const DEFAULTS = { minWait: 500, maxWait: 30_000, maxQueueBytes: 1 << 20, maxReceipts: 1000 };

/** Connects to the first server that answers. Rejects with a ConnectError if none does. */
export async function connect(urls, options) {
  const client = new SignalClient(urls, options);
  await client.open();
  return client;
}

export class SignalClient {
  #options;
  #urls;
  #turn = 0;
  #connection = null; // once it has been welcomed
  #dialed = null; // the last one, welcomed or not
  #welcome = null;
  #over = false;
  #events;
  // Those that the application wants. topic: { wasAnswered, isOn, isAgain, takers: [{ resolve, reject }] }; isOn: on the present
  // connection; isAgain: it was on before, and the present connection has yet to answer.
  #topics = new Map();
  #receipts = new Map(); // id: { resolve, reject }
  #lastId = 0;
  #meetings = new Map();
  #failures = 0;
  #drainWait = null;
  #isHurried = false;
  #wake = null;
  #onOnline = () => this.#wake?.();

  constructor(urls, options = {}) {
    this.#options = { WebSocket: globalThis.WebSocket, ...DEFAULTS, ...options };
    if (!this.#options.WebSocket) throw new TypeError('no WebSocket here: give one as an option');
    this.#urls = [urls].flat();
    this.#events = new EventQueue(this.#options.maxQueueBytes);
  }

  /** Our own id, which is another after each reconnect; null while there is no connection. */
  get peer() {
    return this.#connection ? this.#welcome.peer : null;
  }

  /** { message, topic, topics } of the server that we were connected to last. */
  get limits() {
    return this.#welcome?.limits;
  }

  [Symbol.asyncIterator]() {
    return this.#events[Symbol.asyncIterator]();
  }

  /** connect() has done this. */
  async open() {
    const attempts = [];
    for (const url of this.#urls) {
      const connection = this.#dial();
      if (await connection.opened) {
        globalThis.addEventListener?.('online', this.#onOnline);
        this.#stayConnected(connection);
        return;
      }
      attempts.push({ url, ...(await connection.closed) });
    }
    this.close();
    throw new ConnectError(attempts);
  }

  /** Resolves to how many others there are, once the subscription counts; it is kept over reconnects. */
  async subscribe(topic) {
    const bytes = new TextEncoder().encode(topic).length;
    if (bytes > this.limits.topic) throw new RangeError(`a topic of ${bytes} bytes: the server allows ${this.limits.topic}`);
    const known = this.#topics.get(topic);
    const { size } = this.#topics;
    if (!known && size >= this.limits.topics) throw new RangeError(`the server allows ${size} topics`);
    if (this.#over) throw new NotConnectedError('the client is closed');
    const state = known ?? { wasAnswered: false, isOn: false, isAgain: false, takers: [] };
    this.#topics.set(topic, state);
    return new Promise((resolve, reject) => {
      state.takers.push({ resolve, reject });
      this.#connection?.send('Subscribe', { topic });
    });
  }

  /**
   * The server does not answer it; what was on its way may still come. It need not answer a Subscribe that an Unsubscribe
   * follows either: a subscribe() that waits rejects with a NotConnectedError.
   */
  unsubscribe(topic) {
    const state = this.#topics.get(topic);
    if (!state) return;
    this.#topics.delete(topic);
    this.#connection?.send('Unsubscribe', { topic });
    for (const { reject } of state.takers) reject(new NotConnectedError('unsubscribed before the answer'));
  }

  /**
   * Sends a Uint8Array to every other subscriber of the topic, or to the one peer `to`. With `receipt` it resolves to how
   * many it was routed to, otherwise when it is sent. Rejects with a NotConnectedError: nothing is kept for later.
   */
  async relay(topic, payload, { to, receipt = false } = {}) {
    if (to !== undefined && !PEER_ID.test(to)) throw new RangeError(`"${to}" is not a peer's id`);
    if (!this.#connection?.isOpen) throw new NotConnectedError('not connected now');
    if (this.#connection.isBackedUp) throw new NotConnectedError('the connection takes nothing more now');
    if (this.#receipts.size >= this.#options.maxReceipts) throw new RangeError('too many receipts are awaited');
    const fields = { topic, payload, to, id: receipt ? ++this.#lastId : undefined };
    const { length } = encode({ Relay: fields });
    if (length > this.limits.message) throw new RangeError(`a message of ${length} bytes: the server allows ${this.limits.message}`);
    this.#connection.send('Relay', fields);
    if (receipt) return new Promise((resolve, reject) => this.#receipts.set(this.#lastId, { resolve, reject }));
  }

  /** Opens a data channel to each peer that meets under the topic too: see meeting.js. Browsers only, or give RTCPeerConnection. */
  meet(topic, options) {
    if (this.#meetings.has(topic)) throw new Error('there is a meeting on this topic already');
    const meeting = new Meeting(this, topic, options, () => this.#meetings.delete(topic));
    this.#meetings.set(topic, meeting);
    return meeting;
  }

  /** Connects anew at once, as after a change of networks that a browser does not notice. */
  reconnect() {
    this.#isHurried = this.#connection !== null;
    this.#connection?.close();
    this.#wake?.();
  }

  close() {
    this.#finish(null);
  }

  // ---- the connection

  #dial() {
    const url = this.#urls[this.#turn++ % this.#urls.length];
    const { WebSocket, token } = this.#options;
    const connection = new Connection({ WebSocket, url, token, said: (name, fields) => this.#said(connection, name, fields) });
    this.#dialed = connection;
    return connection;
  }

  async #stayConnected(connection) {
    for (;;) {
      const since = Date.now();
      const end = await connection.closed;
      if (this.#over) return;
      const wasOpen = this.#connection !== null;
      this.#lose();
      if (isFinal(end)) return this.#finish(new ClosedError(end));
      // A server that takes us in and at once drops us must not be asked again and again.
      if (wasOpen && Date.now() - since > this.#options.maxWait) this.#failures = 0;
      const wait = this.#isHurried ? 0 : this.#nextWait(end);
      this.#isHurried = false;
      this.#events.push({ type: 'disconnected', ...end, wait });
      await this.#sleep(wait);
      if (this.#over) return;
      connection = this.#dial();
    }
  }

  /** Full jitter, so that the clients of a server that ends do not come back all at once. */
  #nextWait({ code }) {
    if (code === 1013) this.#failures = Math.max(this.#failures, LONG_WAIT);
    const { minWait, maxWait } = this.#options;
    const wait = this.#drainWait ?? Math.random() * Math.min(maxWait, minWait * 2 ** this.#failures);
    this.#failures++;
    this.#drainWait = null;
    return Math.round(wait);
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #lose() {
    this.#connection = null;
    for (const { reject } of this.#receipts.values()) reject(new NotConnectedError('the connection ended before the receipt'));
    this.#receipts.clear();
  }

  #finish(error) {
    if (this.#over) return;
    this.#over = true;
    globalThis.removeEventListener?.('online', this.#onOnline);
    for (const meeting of this.#meetings.values()) meeting.end(error);
    this.#dialed?.close();
    this.#lose();
    this.#wake?.();
    const takers = [...this.#topics.values()].flatMap((state) => state.takers);
    for (const { reject } of takers) reject(error ?? new NotConnectedError('the client is closed'));
    this.#topics.clear();
    this.#events.end(error);
  }

  // ---- what the server says

  #said(connection, name, fields) {
    const { topic } = fields;
    switch (name) {
      case 'Welcome':
        this.#connection = connection;
        this.#welcome = fields;
        this.#events.push({ type: 'connected', peer: fields.peer, url: connection.url });
        return this.#subscribeAgain();
      case 'Subscribed':
        return this.#onSubscribed(topic, fields.others);
      case 'Joined':
        // Before our own Subscribed: it was there first, is among the others, and has heard of us.
        if (!this.#topics.get(topic)?.isOn) return;
      // falls through
      case 'Left':
        return this.#deliver({ type: name.toLowerCase(), topic, peer: fields.peer });
      case 'Relay':
        return this.#deliver({ type: 'relay', topic, payload: fields.payload, from: fields.from });
      case 'Missed':
        return this.#deliver({ type: 'missed', topic, why: 'server' });
      case 'Receipt':
        this.#receipts.get(fields.id)?.resolve(fields.reached);
        return this.#receipts.delete(fields.id);
      case 'Error':
        return this.#events.push({ type: 'error', code: fields.code, text: fields.text });
      case 'Draining':
        this.#drainWait = Number(fields.wait);
        return this.#events.push({ type: 'draining', wait: this.#drainWait });
    }
    // Whatever else it says is of a later version.
  }

  /** One Subscribe stands for all that were not answered. */
  #subscribeAgain() {
    for (const [topic, state] of this.#topics) {
      state.isOn = false;
      state.isAgain = state.wasAnswered;
      this.#connection.send('Subscribe', { topic });
    }
  }

  /** One Subscribed may answer several Subscribes. */
  #onSubscribed(topic, others) {
    const state = this.#topics.get(topic);
    if (!state) return;
    const { isAgain, takers } = state;
    Object.assign(state, { wasAnswered: true, isOn: true, isAgain: false, takers: [] });
    if (isAgain) this.#deliver({ type: 'missed', topic, why: 'reconnect', others });
    for (const { resolve } of takers) resolve(others);
  }

  #deliver(event) {
    if (typeof event.topic !== 'string') return;
    const meeting = this.#meetings.get(event.topic);
    if (meeting) meeting.hear(event);
    else this.#events.push(event);
  }
}
