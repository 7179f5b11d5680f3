// One meeting: from the socket to the open data channel. What the tabs say to each other is in README.md.
import { decode, encode } from 'cborg';

import { SignalingClient } from './signaling.js';

const HELLO_EVERY_MS = 50;
const HELLO_WHEN_BUSY_EVERY_MS = 1000;
const NEGOTIATION_TIMEOUT_MS = 30_000;

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Finds the other tab under the topic and opens a data channel to it. It is used once: another try is another Meeting.
 *
 * Handlers:
 *   state(name)        'connecting', 'waiting', 'negotiating', 'open'
 *   changed()          the timeline has something new
 *   said(text)         the other tab sent a message
 *   heard(n, ms)       message n, which say() returned, came back after that time
 *   busy()             two others are talking on this topic; it keeps trying
 *   serverLost(close)  the server closed, but the data channel is open and stays
 *   ended(why)         { kind: 'closed', ...close }, { kind: 'left', again } or { kind: 'noPath' }; once and last
 */
export class Meeting {
  #topic;
  #timeline;
  #handlers;
  #id = randomId();
  #other = null;
  #over = false;
  #signaling;
  #connection;
  #channel;
  #helloTimer;
  #wasBusy = false;
  #negotiationTimer;
  #describedSelf = false;
  #heldCandidates = [];
  #messages = 0;
  #unanswered = new Map();

  constructor({ url, topic, token, timeline, handlers }) {
    this.#topic = topic;
    this.#timeline = timeline;
    this.#handlers = handlers;
    this.#signaling = new SignalingClient(url, token, {
      opened: () => this.#onSocketOpen(),
      relayed: (_, payload) => this.#onRelay(payload),
      closed: (close) => this.#onSocketClosed(close),
    });
    // Made while the socket opens, so that its key is ready when the other tab is found.
    this.#prepareConnection();
    handlers.state('connecting');
  }

  get id() {
    return this.#id;
  }

  get other() {
    return this.#other;
  }

  /** Sends a message to the other tab; returns its number. */
  say(text) {
    const n = ++this.#messages;
    this.#unanswered.set(n, performance.now());
    this.#channel.send(JSON.stringify({ n, text }));
    return n;
  }

  /** Tells the other tab, and whether this one comes back at once. */
  leave({ again = false } = {}) {
    if (this.#other) this.#send({ kind: 'bye', to: this.#other, again });
    this.#finish();
  }

  // ---- the server

  #onSocketOpen() {
    this.#timeline.mark('socket');
    this.#signaling.subscribe(this.#topic);
    this.#timeline.mark('subscribe');
    this.#hello();
    this.#helloTimer = setInterval(() => this.#hello(), HELLO_EVERY_MS);
    this.#handlers.state('waiting');
    this.#handlers.changed();
  }

  #onSocketClosed(close) {
    clearInterval(this.#helloTimer);
    if (this.#channel.readyState === 'open') {
      this.#handlers.serverLost(close);
    } else {
      this.#end({ kind: 'closed', ...close });
    }
  }

  /** A Subscribe has no acknowledgement and nobody is told who came: only an answer shows that a hello was heard. */
  #hello() {
    this.#timeline.mark('hello');
    this.#timeline.hellos++;
    this.#send(this.#other ? { kind: 'hello', to: this.#other } : { kind: 'hello' });
  }

  #send(message) {
    this.#signaling.relay(this.#topic, encode({ ...message, from: this.#id }));
  }

  #onRelay(payload) {
    let message;
    try {
      message = decode(payload);
    } catch {
      return; // Somebody else's use of the topic.
    }
    if (typeof message?.from !== 'string' || (message.to && message.to !== this.#id)) return;
    this.#onMessage(message).catch((error) => {
      if (this.#over) return;
      // A description that this browser cannot take; with two tabs of this page it does not happen.
      console.error(error);
      this.#end({ kind: 'noPath' });
    });
  }

  async #onMessage(message) {
    const { kind, from } = message;
    if (this.#other && from !== this.#other) {
      if (kind === 'hello' || kind === 'offer') this.#send({ kind: 'busy', to: from });
      return;
    }
    switch (kind) {
      case 'hello':
        return this.#onHello(message);
      case 'offer':
        return this.#onOffer(message);
      case 'answer':
        this.#timeline.mark('answer');
        this.#handlers.changed();
        return this.#connection.setRemoteDescription({ type: 'answer', sdp: message.sdp });
      case 'candidate':
        this.#timeline.candidate('received');
        this.#handlers.changed();
        return this.#connection.addIceCandidate(message.candidate);
      case 'busy':
        if (this.#other) return this.#end({ kind: 'left' });
        return this.#onBusy();
      case 'bye':
        if (this.#other) this.#end({ kind: 'left', again: message.again === true });
    }
  }

  /** Two others have met. One of them may leave; until then, not to take their time, it says hello seldom. */
  #onBusy() {
    if (this.#wasBusy) return;
    this.#wasBusy = true;
    clearInterval(this.#helloTimer);
    this.#helloTimer = setInterval(() => this.#hello(), HELLO_WHEN_BUSY_EVERY_MS);
    this.#handlers.busy();
  }

  // ---- offer and answer

  async #onHello({ from, to }) {
    const isNew = this.#meet(from, { wasFirst: !to });
    // Whoever says hello to nobody in particular has not heard us yet.
    if (isNew || !to) this.#send({ kind: 'hello', to: from });
    if (!isNew || this.#timeline.role !== 'offerer') return;
    clearInterval(this.#helloTimer);
    await this.#describeSelf('offer');
  }

  async #onOffer({ from, sdp }) {
    this.#meet(from, { wasFirst: false });
    clearInterval(this.#helloTimer);
    this.#timeline.mark('offer');
    this.#handlers.changed();
    await this.#connection.setRemoteDescription({ type: 'offer', sdp });
    await this.#describeSelf('answer');
  }

  /** True if the other tab was not known before. The lower id makes the offer: both know it without asking. */
  #meet(other, { wasFirst }) {
    if (this.#other) return false;
    this.#other = other;
    this.#timeline.role = this.#id < other ? 'offerer' : 'answerer';
    this.#timeline.wasFirst = wasFirst;
    this.#timeline.mark('heard');
    this.#negotiationTimer = setTimeout(() => this.#end({ kind: 'noPath' }), NEGOTIATION_TIMEOUT_MS);
    this.#handlers.state('negotiating');
    this.#handlers.changed();
    return true;
  }

  /** Makes and sends the offer or the answer, then the candidates that were faster. */
  async #describeSelf(kind) {
    await this.#connection.setLocalDescription();
    if (this.#over) return;
    this.#send({ kind, to: this.#other, sdp: this.#connection.localDescription.sdp });
    this.#timeline.mark(kind);
    this.#describedSelf = true;
    this.#heldCandidates.splice(0).forEach((candidate) => this.#sendCandidate(candidate));
    this.#handlers.changed();
  }

  #sendCandidate(candidate) {
    this.#send({ kind: 'candidate', to: this.#other, candidate });
    this.#timeline.candidate('sent');
    this.#handlers.changed();
  }

  // ---- the direct connection

  #prepareConnection() {
    // Without STUN or TURN: two tabs of one machine, or of one network, find each other by their own addresses.
    this.#connection = new RTCPeerConnection();
    this.#connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return;
      const plain = candidate.toJSON();
      if (this.#describedSelf) {
        this.#sendCandidate(plain);
      } else {
        this.#heldCandidates.push(plain);
      }
    };
    this.#connection.oniceconnectionstatechange = () => {
      if (['connected', 'completed'].includes(this.#connection.iceConnectionState)) {
        this.#timeline.mark('ice');
        this.#handlers.changed();
      }
    };
    this.#connection.onconnectionstatechange = () => {
      if (this.#connection.connectionState !== 'failed') return;
      this.#end({ kind: this.#timeline.at('channel') === undefined ? 'noPath' : 'left' });
    };
    // Both tabs know that there is one channel with id 0: it needs no message of its own to open.
    this.#channel = this.#connection.createDataChannel('messages', { negotiated: true, id: 0 });
    this.#channel.onopen = () => {
      clearTimeout(this.#negotiationTimer);
      this.#timeline.mark('ice');
      this.#timeline.mark('channel');
      this.say('');
      this.#handlers.state('open');
      this.#handlers.changed();
    };
    this.#channel.onmessage = ({ data }) => this.#onChannelMessage(data);
    this.#channel.onclose = () => this.#end({ kind: 'left' });
  }

  #onChannelMessage(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message.echo !== undefined) {
      const sentAt = this.#unanswered.get(message.echo);
      if (sentAt === undefined) return;
      this.#unanswered.delete(message.echo);
      this.#timeline.mark('echo');
      this.#handlers.heard(message.echo, performance.now() - sentAt);
      this.#handlers.changed();
    } else if (this.#channel.readyState === 'open') {
      this.#channel.send(JSON.stringify({ echo: message.n }));
      if (message.text) this.#handlers.said(String(message.text));
    }
  }

  // ---- the end

  #end(why) {
    if (this.#over) return;
    this.#finish();
    this.#handlers.ended(why);
  }

  #finish() {
    this.#over = true;
    clearInterval(this.#helloTimer);
    clearTimeout(this.#negotiationTimer);
    this.#channel.onopen = this.#channel.onmessage = this.#channel.onclose = null;
    this.#connection.onicecandidate = null;
    this.#connection.oniceconnectionstatechange = null;
    this.#connection.onconnectionstatechange = null;
    this.#connection.close();
    this.#signaling.close();
  }
}
