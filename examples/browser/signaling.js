// The native dialect of cairn-signal (docs/PROTOCOL.md) over one WebSocket: CBOR maps with one entry.
import { decode, encode } from 'cborg';

const OPEN_TIMEOUT_MS = 10_000;

/** Offered, and selected by the server, when a token has to be given. */
const SUBPROTOCOL = 'cairn.signal.v1';

/** A browser cannot set headers on a WebSocket: the token travels as a second subprotocol. */
export function subprotocols(token) {
  if (!token) return [];
  const binary = String.fromCharCode(...new TextEncoder().encode(token));
  const base64url = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return [SUBPROTOCOL, `cairn.bearer.${base64url}`];
}

/**
 * One connection to the server.
 *
 * Handlers: opened(); relayed(topic, payload); closed({ wasOpen, timedOut, code, reason }), once and last, unless
 * close() was called first. The constructor throws what WebSocket's throws for an address it does not take.
 */
export class SignalingClient {
  #socket;
  #handlers;
  #wasOpen = false;
  #timedOut = false;
  #timeout;

  constructor(url, token, handlers) {
    this.#handlers = handlers;
    this.#socket = new WebSocket(url, subprotocols(token));
    this.#socket.binaryType = 'arraybuffer';
    this.#timeout = setTimeout(() => {
      this.#timedOut = true;
      this.#socket.close();
    }, OPEN_TIMEOUT_MS);
    this.#socket.onopen = () => {
      clearTimeout(this.#timeout);
      this.#wasOpen = true;
      this.#handlers.opened();
    };
    this.#socket.onmessage = (event) => this.#onMessage(event.data);
    this.#socket.onclose = ({ code, reason }) => {
      clearTimeout(this.#timeout);
      this.#handlers.closed({ wasOpen: this.#wasOpen, timedOut: this.#timedOut, code, reason });
    };
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  subscribe(topic) {
    this.#say({ Subscribe: { topic } });
  }

  /** payload: a Uint8Array. Everybody else who is subscribed to the topic gets it. */
  relay(topic, payload) {
    this.#say({ Relay: { topic, payload } });
  }

  close() {
    clearTimeout(this.#timeout);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close(1000);
  }

  #say(message) {
    if (this.isOpen) this.#socket.send(encode(message));
  }

  #onMessage(data) {
    let relay;
    try {
      relay = decode(new Uint8Array(data)).Relay;
    } catch {
      return; // Not for us: the server's other dialects are text.
    }
    if (typeof relay?.topic === 'string' && relay.payload instanceof Uint8Array) {
      this.#handlers.relayed(relay.topic, relay.payload);
    }
  }
}
