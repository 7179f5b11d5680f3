// Everybody who meets under a topic gets a data channel to everybody else; the server only introduces them.
//
// Each side has an id of its own (`me`), which stays the same over reconnects, and each RTCPeerConnection one (`c`), which
// its offerer chose. The payload of a relay is JSON: { k, me, … }.
//
//   k        to      also has        when
//   offer    one     c, n, sdp       another side has joined; or, with `restart`, the connection needs an ICE restart
//   answer   one     c, n, sdp       to offer number n
//   ice      one     c, candidate    after the sender's sdp
//   again    one     c               the answerer asks for another offer
//   hello    all     -               something may have been lost: who is there?
//   hello    one     c, if any       this is me: make an offer, or go on with the connection c that we have
//   bye      one     c               that connection is over, or is not known here
//
// Glare is impossible. A connection has one offerer for its life, the side that heard of the other. If both sides begin a
// connection at once, both keep the one whose offerer has the lower id. One that was open is kept before any new one.
import { EventQueue } from './queue.js';
import { Peer, randomId } from './peer.js';

const MAX_QUEUE_BYTES = 1 << 20;

const text = new TextEncoder();
const utf8 = new TextDecoder();

export class Meeting {
  #client;
  #forget;
  #peers = new Set();
  #events = new EventQueue(MAX_QUEUE_BYTES);
  #over = false;

  /** Ours, which peers see as `peer.id`. */
  id = randomId();
  /** Resolves to how many others were on the topic when we came. */
  joined;

  constructor(client, topic, options = {}, forget) {
    this.#client = client;
    this.#forget = forget;
    this.topic = topic;
    const { RTCPeerConnection } = globalThis;
    this.options = { RTCPeerConnection, rtc: {}, patience: 30_000, repairEvery: 3000, maxPeers: 50, ...options };
    if (!this.options.RTCPeerConnection) throw new TypeError('no RTCPeerConnection here: give one as an option');
    this.joined = client.subscribe(topic);
    this.joined.catch((error) => this.end(error));
  }

  /** Those whose channel is open. */
  get peers() {
    return [...this.#peers].filter(({ wasOpen }) => wasOpen);
  }

  /** { type: 'open' | 'gone' | 'failed', peer }. */
  [Symbol.asyncIterator]() {
    return this.#events[Symbol.asyncIterator]();
  }

  /** Ends every connection and the subscription. */
  close() {
    this.end(null);
  }

  /** Of the client: loops throw the error, if there is one. */
  end(error) {
    if (this.#over) return;
    this.#over = true;
    for (const peer of [...this.#peers]) this.#drop(peer);
    this.#client.unsubscribe(this.topic);
    this.#forget();
    this.#events.end(error);
  }

  /** Of Peer: to says who hears it; without one, everybody. What cannot be sent now is made up for after `missed`. */
  send(to, message) {
    if (to === null) return;
    this.#client.relay(this.topic, text.encode(JSON.stringify({ ...message, me: this.id })), { to }).catch(() => {});
  }

  /** Of Peer. */
  progress(peer, step) {
    this.options.onprogress?.({ peer, step });
  }

  /** Of Peer: its channel is open. */
  opened(peer) {
    this.#events.push({ type: 'open', peer });
  }

  /** Of Peer: it is over. */
  ended(peer) {
    this.#drop(peer);
  }

  /** Of the client: an event of our topic. */
  hear(event) {
    if (this.#over) return;
    if (event.type === 'joined') this.#offerTo(event.peer);
    if (event.type === 'left') this.#onLeft(event.peer);
    if (event.type === 'missed') this.#onMissed();
    if (event.type === 'relay') this.#onRelay(event);
  }

  #offerTo(address) {
    if (!this.#find({ address })) this.#add({ address })?.offer();
  }

  /** Nothing if there are too many: whoever knows the topic could make them without end. */
  #add(facts) {
    if (this.#peers.size >= this.options.maxPeers) return null;
    const peer = new Peer(this, facts);
    this.#peers.add(peer);
    this.progress(peer, 'found');
    return peer;
  }

  #drop(peer) {
    if (!this.#peers.delete(peer)) return;
    peer.close();
    if (peer.wasOpen) this.#events.push({ type: 'gone', peer });
    else if (peer.gaveUp) this.#events.push({ type: 'failed', peer });
  }

  /** A peer without an id has not said anything yet. */
  #find(facts) {
    const matches = (peer) => Object.entries(facts).every(([name, value]) => peer[name] === value);
    return [...this.#peers].find(matches);
  }

  /** It may only have lost its connection to the server, and what is open does not need that. */
  #onLeft(address) {
    const peer = this.#find({ address });
    if (peer?.wasOpen) peer.address = null;
    else if (peer) this.#drop(peer);
  }

  #onMissed() {
    this.send(undefined, { k: 'hello' });
    for (const peer of this.#peers) peer.repair();
  }

  #onRelay({ from, payload }) {
    let said;
    try {
      said = JSON.parse(utf8.decode(payload));
    } catch {
      return; // Somebody else's use of the topic.
    }
    if (typeof said?.me !== 'string' || said.me === this.id) return;
    if (said.k === 'hello') return this.#onHello(said, from);
    if (said.k === 'offer') return this.#onOffer(said, from);
    const peer = this.#find({ connectionId: said.c });
    if (!peer) return;
    if (said.k === 'answer') this.#introduce(peer, said.me);
    if (said.k === 'bye') this.#drop(peer);
    else peer.hear(said);
  }

  /** Somebody says who they are: the same as before at another address, or somebody of whom we have not heard. */
  #onHello({ me, c }, from) {
    const known = this.#find({ id: me });
    const begun = this.#find({ address: from });
    if (known) {
      if (begun && begun !== known) this.#drop(begun);
      known.address = from;
      // They may have given up what we have: then they say bye to it.
      if (c === undefined) this.send(from, { k: 'hello', c: known.connectionId });
      else if (c !== known.connectionId) this.send(from, { k: 'bye', c });
      known.repair();
    } else if (c !== undefined && c !== begun?.connectionId) {
      this.send(from, { k: 'bye', c });
      if (begun) begun.offer();
      else this.send(from, { k: 'hello' });
    } else if (begun) {
      begun.repair();
    } else if (this.id < me) {
      this.#offerTo(from);
    } else {
      this.send(from, { k: 'hello' });
    }
  }

  #onOffer(said, from) {
    const known = this.#find({ id: said.me }) ?? this.#find({ address: from });
    if (known?.connectionId === said.c) {
      known.address = from;
      return known.hear(said);
    }
    if (known?.wasOpen) {
      // It came back under another address, and does not know yet that it is us.
      known.address = from;
      return this.send(from, { k: 'hello', c: known.connectionId });
    }
    if (said.restart) return this.send(from, { k: 'bye', c: said.c });
    if (known?.isAwaitingAnswer && this.id < said.me) return;
    if (known) this.#drop(known);
    this.#add({ address: from, id: said.me, connectionId: said.c })?.hear(said);
  }

  /** Whoever answers says who they are; what we had with them before is over. */
  #introduce(peer, id) {
    if (peer.id === id) return;
    const before = this.#find({ id });
    if (before) this.#drop(before);
    peer.id = id;
  }
}
