// One WebSocket to the server, from the upgrade to the close. It knows the form of messages and not what they mean.
import { decode, encode } from './cbor.js';

export const SUBPROTOCOL = 'cairn.signal.v2';
const OPEN_TIMEOUT_MS = 10_000;
const MAX_UNSENT_BYTES = 1 << 20;

/** Ends that another try would not change: a fault of this client, a limit it broke, or an operator's order. */
const FINAL = new Set([1002, 1003, 1007, 1008, 1009]);
export const isFinal = ({ code }) => FINAL.has(code);

/** A browser cannot set headers on a WebSocket: the token travels as a second subprotocol, in base64url without padding. */
export function subprotocols(token) {
  if (!token) return [SUBPROTOCOL];
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(token)));
  const base64url = base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return [SUBPROTOCOL, `cairn.bearer.${base64url}`];
}

export class Connection {
  #socket;
  #timer;
  #error = '';
  #wasWelcomed = false;
  #close;

  /** Resolves to { code, reason }, once and last. */
  closed = new Promise((resolve) => (this.#close = resolve));
  /** Resolves to whether the server welcomed us. */
  opened;

  /** said(name, fields) is called for each message of the server. */
  constructor({ WebSocket, url, token, said }) {
    this.url = url;
    this.#socket = new WebSocket(url, subprotocols(token));
    this.#socket.binaryType = 'arraybuffer';
    this.#timer = setTimeout(() => this.#end({ code: 1006, reason: 'no welcome in time' }), OPEN_TIMEOUT_MS);
    this.opened = new Promise((resolve) => {
      this.#socket.onmessage = ({ data }) => this.#onMessage(data, said, resolve);
      this.closed.then(() => resolve(false));
    });
    this.#socket.onerror = ({ message, error }) => {
      this.#error = message || error?.message || '';
      // Node 20's own WebSocket says nothing more when an upgrade fails.
      if (!this.#wasWelcomed) setTimeout(() => this.#end({ code: 1006, reason: this.#error }));
    };
    this.#socket.onclose = ({ code, reason }) => this.#end({ code, reason: reason || this.#error });
  }

  get isOpen() {
    return this.#wasWelcomed && this.#socket.readyState === 1;
  }

  /** True if the network has not yet taken so much that more would only wait. */
  get isBackedUp() {
    return this.#socket.bufferedAmount > MAX_UNSENT_BYTES;
  }

  send(name, fields) {
    this.#socket.send(encode({ [name]: fields }));
  }

  close() {
    this.#end({ code: 1000, reason: 'closed here' });
  }

  #onMessage(data, said, welcomed) {
    let name, fields;
    try {
      [[name, fields]] = Object.entries(decode(new Uint8Array(data)));
    } catch {
      return; // Text, which is another dialect, or not ours.
    }
    if (name === 'Welcome') {
      clearTimeout(this.#timer);
      this.#wasWelcomed = true;
    }
    if (!this.#wasWelcomed || typeof fields !== 'object' || fields === null) return;
    said(name, fields);
    if (name === 'Welcome') welcomed(true);
  }

  #end(end) {
    clearTimeout(this.#timer);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#close(end);
    if (this.#socket.readyState < 2) this.#socket.close(1000);
  }
}
