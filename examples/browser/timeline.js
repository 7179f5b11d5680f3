// What happened when, in one tab, and the steps that these moments delimit. No DOM: tests run it in Node.

/**
 * The steps, in order. Each lasts from the end of the one before to its own mark, so that every millisecond between the
 * socket and the echo belongs to exactly one. `by` says who is busy: the server, this tab (or the other), or the direct
 * connection.
 */
export const STEPS = [
  {
    mark: 'socket',
    by: 'server',
    name: 'WebSocket open',
    what: () => 'TCP, TLS for wss, HTTP upgrade',
  },
  {
    mark: 'subscribe',
    by: 'server',
    name: 'Subscribed',
    what: () => 'there and back: from now on nothing is missed',
  },
  {
    mark: 'heard',
    by: 'server',
    name: 'Found',
    what: (role) =>
      role === 'answerer' ? 'the other tab was told, made its offer, and sent it' : 'the server said that the other tab came',
  },
  {
    mark: 'offer',
    by: 'tabs',
    name: 'Offer',
    what: (role) =>
      role === 'answerer' ? 'it is what this tab was found by' : 'this tab made it and sent it',
  },
  {
    mark: 'answer',
    by: 'tabs',
    name: 'Answer',
    what: (role) =>
      role === 'answerer'
        ? 'this tab made it and sent it'
        : 'there through the server, made by the other tab, and back',
  },
  { mark: 'ice', by: 'direct', name: 'ICE connected', what: () => 'the browsers tried candidates until a pair worked' },
  { mark: 'channel', by: 'direct', name: 'Data channel open', what: () => 'DTLS and SCTP handshakes, tab to tab' },
  { mark: 'echo', by: 'direct', name: 'First round trip', what: () => 'a message over the data channel, and its echo' },
];

/** Candidates beyond this many are not remembered; a browser gathers far fewer. */
const MAX_CANDIDATES = 200;

/** Anything shorter is not worth a break in the drawing. */
const SHORTEST_WAIT_MS = 50;

/** Moments in milliseconds since the socket was created. */
export class Timeline {
  #now;
  #start;
  #marks = new Map();

  /** 'offerer': this tab was there first and made the offer; or 'answerer'. */
  role = null;
  candidates = { sent: [], received: [] };

  constructor(now = () => performance.now()) {
    this.#now = now;
    this.#start = now();
  }

  get elapsed() {
    return this.#now() - this.#start;
  }

  /** Only the first time counts. */
  mark(name) {
    if (!this.#marks.has(name)) this.#marks.set(name, this.elapsed);
  }

  candidate(direction) {
    const moments = this.candidates[direction];
    if (moments.length < MAX_CANDIDATES) moments.push(this.elapsed);
  }

  at(name) {
    return this.#marks.get(name);
  }

  /** Steps that are over: { mark, by, name, what, from, to, ms }. */
  get steps() {
    const steps = [];
    let from = 0;
    for (const step of STEPS) {
      const at = this.at(step.mark);
      if (at === undefined) break;
      const to = Math.max(from, at);
      steps.push({ ...step, what: step.what(this.role), from, to, ms: to - from });
      from = to;
    }
    return steps;
  }

  /**
   * The stretch in which this tab only waited for the other one to arrive, or null. It is drawn as a break and left out
   * of the total.
   */
  get wait() {
    const from = this.at('subscribe');
    const to = this.at('heard');
    if (this.role !== 'offerer' || !(to - from >= SHORTEST_WAIT_MS)) return null;
    return { from, to, ms: to - from };
  }

  /** From the socket to the open data channel, without the wait; undefined before. */
  get total() {
    const channel = this.steps.find(({ mark }) => mark === 'channel');
    return channel && channel.to - (this.wait?.ms ?? 0);
  }
}

/** 0.42 ms, 38 ms, 1.2 s. */
export function duration(ms) {
  if (ms >= 60_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}
