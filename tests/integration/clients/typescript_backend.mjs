// What the signaling backend of the TypeScript library (cairn-p2p 0.7.0, src/discovery/signaling-backend.ts) does, acted
// out for the tests; no line of it is the library's.
//
// Facts:
//   - one WebSocket, opened when first needed with the URL alone: no header, no subprotocol, so no token either;
//   - publish keeps the blob, then says {"type":"publish","topic","payload"}: members in this order, no blanks, base64
//     with padding;
//   - query answers from what it keeps; else it says {"type":"query","topic"} and takes the first
//     {"type":"result"} of that topic within 10 s, whose payload it keeps; a null or empty payload is "nobody";
//   - a second query for a topic takes the place of one that waits;
//   - what is no such result is ignored; a close is only noticed by the next call, which connects again.
// The library uses the platform's WebSocket. Node's ws package has the same interface and, as browsers do, offers
// permessage-deflate.
import { createRequire } from 'node:module';

// Debian's node-ws is found through NODE_PATH, which import does not look at.
export const WebSocket = createRequire(import.meta.url)('ws');

const TIMEOUT_MS = 10_000;

export class SignalingBackend {
  #url;
  #socket = null;
  #kept = new Map();
  #waiting = new Map();

  constructor(url) {
    this.#url = url;
  }

  async publish(topic, blob, said) {
    this.#kept.set(topic, blob);
    const socket = await this.#connected();
    socket?.send(JSON.stringify({ type: 'publish', topic, payload: blob.toString('base64') }), said);
    return socket !== null;
  }

  async query(topic, said) {
    if (this.#kept.has(topic)) return this.#kept.get(topic);
    const socket = await this.#connected();
    if (!socket) return null;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#finish(topic, null), TIMEOUT_MS);
      this.#waiting.set(topic, { resolve, timer });
      socket.send(JSON.stringify({ type: 'query', topic }), said);
    });
  }

  stop() {
    for (const topic of [...this.#waiting.keys()]) this.#finish(topic, null);
    this.#socket?.close(1000, 'backend stopped');
    this.#socket = null;
    this.#kept.clear();
  }

  async #connected() {
    if (this.#socket?.readyState === WebSocket.OPEN) return this.#socket;
    this.#socket = await new Promise((resolve) => {
      const socket = new (globalThis.WebSocket ?? WebSocket)(this.#url);
      const timer = setTimeout(() => resolve(null), TIMEOUT_MS);
      const settle = (value) => {
        clearTimeout(timer);
        resolve(value);
      };
      socket.onopen = () => settle(socket);
      socket.onerror = () => settle(null);
      socket.onmessage = (event) => this.#hear(event.data);
    });
    return this.#socket;
  }

  #hear(data) {
    let message;
    try {
      message = JSON.parse(typeof data === 'string' ? data : String(data));
    } catch {
      return;
    }
    if (message?.type !== 'result' || !message.topic || !this.#waiting.has(message.topic)) return;
    const blob = message.payload ? Buffer.from(message.payload, 'base64') : null;
    if (blob) this.#kept.set(message.topic, blob);
    this.#finish(message.topic, blob);
  }

  #finish(topic, blob) {
    const { resolve, timer } = this.#waiting.get(topic);
    clearTimeout(timer);
    this.#waiting.delete(topic);
    resolve(blob);
  }
}
