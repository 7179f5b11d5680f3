// Events between the connection and the application's loop: bounded in bytes. When it is full the oldest event goes, and
// the next one that is taken says so: { type: 'missed', topic, why: 'queue' } for each topic that lost something.

const EVENT_COST = 200;

const cost = ({ topic = '', payload }) => EVENT_COST + topic.length + (payload?.length ?? 0);

export class EventQueue {
  #limit;
  #events = [];
  #bytes = 0;
  #missed = new Set();
  #waiting = [];
  #end = null;

  constructor(maxBytes) {
    this.#limit = maxBytes;
  }

  push(event) {
    if (this.#end) return;
    const taker = this.#waiting.shift();
    if (taker) return taker.resolve({ value: event, done: false });
    this.#events.push(event);
    this.#bytes += cost(event);
    while (this.#bytes > this.#limit && this.#events.length > 1) {
      const lost = this.#events.shift();
      this.#bytes -= cost(lost);
      if (lost.topic !== undefined) this.#missed.add(lost.topic);
    }
  }

  /** Without an error, loops end once they have taken what is there; with one they throw it then. */
  end(error = null) {
    if (this.#end) return;
    this.#end = { error };
    for (const taker of this.#waiting.splice(0)) this.#finish(taker);
  }

  #finish({ resolve, reject }) {
    if (this.#end.error) return reject(this.#end.error);
    resolve({ value: undefined, done: true });
  }

  next() {
    const [topic] = this.#missed;
    if (topic !== undefined) {
      this.#missed.delete(topic);
      return Promise.resolve({ value: { type: 'missed', topic, why: 'queue' }, done: false });
    }
    if (this.#events.length > 0) {
      const event = this.#events.shift();
      this.#bytes -= cost(event);
      return Promise.resolve({ value: event, done: false });
    }
    return new Promise((resolve, reject) => {
      const taker = { resolve, reject };
      if (this.#end) this.#finish(taker);
      else this.#waiting.push(taker);
    });
  }

  // Leaving a loop does not end the queue: another loop goes on where it left.
  [Symbol.asyncIterator]() {
    return { next: () => this.next() };
  }
}
