// One other side of a meeting: an RTCPeerConnection with one data channel. meeting.js has what is said about it.

export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Peer {
  #meeting;
  #candidates = []; // Ours, faster than our description.
  #isDescribed = false;
  #work = Promise.resolve();
  #timer = null;
  #lostAt = Date.now();
  #offeredAt = -Infinity;
  #offers = 0;
  #isOver = false;

  id;
  address;
  connectionId;
  role;
  wasOpen = false;
  gaveUp = false;
  isAwaitingAnswer = false;

  /** With a connectionId, of an offer, this side answers. */
  constructor(meeting, { address, id, connectionId }) {
    this.#meeting = meeting;
    this.address = address;
    this.id = id;
    this.role = connectionId === undefined ? 'offerer' : 'answerer';
    this.connectionId = connectionId ?? randomId();
    const { RTCPeerConnection, rtc, channel, setup } = meeting.options;
    this.connection = new RTCPeerConnection(rtc);
    // Both sides know that there is one channel with id 0: it needs no message of its own to open.
    this.channel = this.connection.createDataChannel('cairn', { ...channel, negotiated: true, id: 0 });
    setup?.(this);
    this.#listen();
    this.#timer = setInterval(() => this.#check(), meeting.options.repairEvery);
  }

  get isConnected() {
    return this.connection.connectionState === 'connected';
  }

  #listen() {
    this.connection.addEventListener('icecandidate', ({ candidate }) => {
      if (!candidate?.candidate) return;
      if (this.#isDescribed) this.#sendCandidate(candidate);
      else this.#candidates.push(candidate);
    });
    this.connection.addEventListener('connectionstatechange', () => {
      const { connectionState } = this.connection;
      if (connectionState === 'connected') this.#lostAt = null;
      if (connectionState === 'disconnected') this.#lostAt ??= Date.now();
      if (connectionState === 'failed') {
        this.#lostAt ??= Date.now();
        this.repair();
      }
    });
    this.channel.addEventListener('open', () => {
      this.wasOpen = true;
      this.#meeting.opened(this);
    });
    this.channel.addEventListener('close', () => this.#meeting.ended(this));
  }

  // ---- repair

  #check() {
    if (this.isConnected) this.#lostAt = null;
    if (this.#lostAt === null) return;
    if (Date.now() - this.#lostAt < this.#meeting.options.patience) return this.repair();
    this.gaveUp = true;
    this.#say({ k: 'bye' });
    this.#meeting.ended(this);
  }

  /** Another offer, with an ICE restart, unless one is fresh or none is needed. Only the offerer makes it. */
  repair() {
    if (this.isConnected || this.#isFresh) return;
    if (this.role === 'offerer') return this.offer();
    this.#offeredAt = Date.now();
    this.#say({ k: 'again' });
  }

  get #isFresh() {
    return Date.now() - this.#offeredAt < this.#meeting.options.repairEvery;
  }

  // ---- offer, answer, candidates

  offer() {
    this.#offeredAt = Date.now();
    this.isAwaitingAnswer = true;
    this.#next(async () => {
      if (this.#offers++ > 0) this.connection.restartIce();
      // Until it has been answered once, the other side may never have heard of it.
      const restart = this.connection.remoteDescription !== null;
      await this.#describe('offer', { n: this.#offers, restart });
    });
  }

  /** What the other side said of this connection. */
  hear({ k, n, sdp, candidate }) {
    this.#next(async () => {
      if (k === 'offer' && this.role === 'answerer') {
        this.#offeredAt = Date.now();
        this.#progress('offer');
        await this.connection.setRemoteDescription({ type: 'offer', sdp });
        await this.#describe('answer', { n });
      } else if (k === 'answer' && n === this.#offers && this.connection.signalingState === 'have-local-offer') {
        this.isAwaitingAnswer = false;
        this.#progress('answer');
        await this.connection.setRemoteDescription({ type: 'answer', sdp });
      } else if (k === 'ice') {
        this.#progress('candidate-received');
        await this.connection.addIceCandidate(candidate);
      } else if (k === 'again' && this.role === 'offerer') {
        // Even if it looks well from here.
        if (!this.#isFresh) this.offer();
      }
    });
  }

  async #describe(k, more) {
    this.#isDescribed = false;
    await this.connection.setLocalDescription();
    this.#say({ k, sdp: this.connection.localDescription.sdp, ...more });
    this.#progress(k);
    this.#isDescribed = true;
    this.#candidates.splice(0).forEach((candidate) => this.#sendCandidate(candidate));
  }

  #sendCandidate(candidate) {
    this.#say({ k: 'ice', candidate: candidate.toJSON() });
    this.#progress('candidate-sent');
  }

  #progress(step) {
    this.#meeting.progress(this, step);
  }

  #say(message) {
    if (!this.#isOver) this.#meeting.send(this.address, { ...message, c: this.connectionId });
  }

  /** One step after the other. A description or candidate that this side cannot take is mended by the next offer. */
  #next(step) {
    this.#work = this.#work.then(() => (this.#isOver ? undefined : step())).catch(() => {});
  }

  close() {
    this.#say({ k: 'bye' });
    this.#isOver = true;
    clearInterval(this.#timer);
    this.connection.close();
  }
}
