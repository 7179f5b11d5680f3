// A server and RTCPeerConnections that lose what a test wants them to lose, for meetings without a network or a browser.
import { webcrypto } from 'node:crypto';

import { Meeting } from '../../../clients/javascript/src/meeting.js';

// Node 18 has it, but not by that name.
globalThis.crypto ??= webcrypto;

const later = (ms, what) => setTimeout(what, ms);

/** A generator of numbers from 0 to 1, the same for each seed. */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One topic. What is sent arrives after a random delay, in the order of its sender, or not at all. */
export class FakeServer {
  #random;
  #members = new Map(); // address: Member
  #arrivals = new Map(); // sender and receiver: time of the last arrival
  #addresses = 0;
  loss = 0;

  constructor(random) {
    this.#random = random;
  }

  newAddress(member) {
    const address = (++this.#addresses).toString(16).padStart(16, '0');
    const others = [...this.#members.values()];
    this.#members.set(address, member);
    for (const other of others) this.#tell('server', other, { type: 'joined', peer: address });
    return address;
  }

  forget(address) {
    this.#members.delete(address);
    for (const other of this.#members.values()) this.#tell('server', other, { type: 'left', peer: address });
  }

  relay(from, payload, to) {
    for (const [address, member] of this.#members) {
      if (address !== from && (to === undefined || address === to)) this.#tell(from, member, { type: 'relay', payload, from });
    }
  }

  #tell(sender, receiver, event) {
    if (this.#random() < this.loss) return;
    const pair = `${sender}>${receiver.address}`;
    const at = Math.max(Date.now() + this.#random() * 5, this.#arrivals.get(pair) ?? 0);
    this.#arrivals.set(pair, at);
    later(at - Date.now(), () => receiver.meeting.hear({ topic: 't', ...event }));
  }

  saysMissed() {
    for (const member of this.#members.values()) member.meeting.hear({ type: 'missed', topic: 't', why: 'server' });
  }
}

/** One side: its meeting, and the client that it believes to talk to. */
export class Member {
  #server;

  constructor(server, options) {
    this.#server = server;
    this.connections = [];
    const { connections } = this;
    class Connection extends FakeConnection {
      constructor() {
        super();
        connections.push(this);
      }
    }
    this.meeting = new Meeting(this, 't', { RTCPeerConnection: Connection, repairEvery: 20, patience: 1000, ...options }, () => {});
  }

  async subscribe() {
    this.address = this.#server.newAddress(this);
  }

  unsubscribe() {
    this.#server.forget(this.address);
  }

  async relay(topic, payload, { to }) {
    if (this.address !== null) this.#server.relay(this.address, payload, to);
  }

  loses() {
    this.#server.forget(this.address);
    this.address = null;
  }

  /** A new connection to the server; `first`: before it has noticed the end of the old one. */
  returns({ first }) {
    const old = this.address;
    if (!first) this.#server.forget(old);
    this.address = this.#server.newAddress(this);
    if (first) this.#server.forget(old);
    this.meeting.hear({ type: 'missed', topic: 't', why: 'reconnect' });
  }

  get open() {
    return this.meeting.peers.filter(({ connection }) => connection.connectionState === 'connected').map(({ id }) => id);
  }

  get living() {
    return this.connections.filter(({ connectionState }) => connectionState !== 'closed');
  }
}

/** Connects when both sides have described themselves to each other, as with a network on which everything works. */
export class FakeConnection extends EventTarget {
  static #all = [];
  static glares = 0;
  #generation = 0;
  #channel = Object.assign(new EventTarget(), { readyState: 'connecting' });
  #number;
  #partner = null; // Of DTLS: another one is refused.
  connectionState = 'new';
  signalingState = 'stable';
  localDescription = null;
  remoteDescription = null;

  constructor() {
    super();
    this.#number = FakeConnection.#all.push(this) - 1;
  }

  createDataChannel() {
    return this.#channel;
  }

  restartIce() {
    this.#generation++;
  }

  async setLocalDescription() {
    await null;
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    const sdp = JSON.stringify([this.#number, this.#generation]);
    this.localDescription = { type, sdp };
    this.signalingState = type === 'offer' ? 'have-local-offer' : 'stable';
  }

  async setRemoteDescription({ type, sdp }) {
    await null;
    const expected = type === 'offer' ? 'stable' : 'have-local-offer';
    if (this.signalingState !== expected) {
      FakeConnection.glares++;
      throw new Error(`${type} while ${this.signalingState}`);
    }
    this.remoteDescription = { type, sdp };
    this.signalingState = type === 'offer' ? 'have-remote-offer' : 'stable';
    if (type === 'answer') later(3, () => this.#connect(...JSON.parse(sdp)));
  }

  #connect(number) {
    const other = FakeConnection.#all[number];
    const isMutual = other.remoteDescription && JSON.parse(other.remoteDescription.sdp)[0] === this.#number;
    const areAlive = this.connectionState !== 'closed' && other.connectionState !== 'closed';
    if (!isMutual || !areAlive || (this.#partner ?? other) !== other || (other.#partner ?? this) !== this) return;
    this.#partner = other;
    other.#partner = this;
    for (const side of [this, other]) {
      side.#becomes('connected');
      if (side.#channel.readyState !== 'connecting') continue;
      side.#channel.readyState = 'open';
      side.#channel.dispatchEvent(new Event('open'));
    }
  }

  #becomes(state) {
    if (this.connectionState === 'closed') return;
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  fail() {
    this.#becomes('failed');
  }

  close() {
    const partner = this.#partner;
    this.connectionState = 'closed';
    this.signalingState = 'closed';
    if (partner && partner.connectionState !== 'closed') later(2, () => partner.#channel.dispatchEvent(new Event('close')));
  }
}
