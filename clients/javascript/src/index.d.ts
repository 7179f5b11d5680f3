/** Settings of connect(). Times are in milliseconds. */
export interface Options {
  /** Bearer token. It travels as a subprotocol, never in the URL. */
  token?: string;
  /** In place of the platform's: Node below 22 has none; the `ws` package's will do. */
  WebSocket?: unknown;
  /** Bounds of the back-off: 500 and 30,000. Each wait is random below a bound that doubles from the first to the second. */
  minWait?: number;
  maxWait?: number;
  /** What may wait for the application's loop: 1 MiB. When more comes, the oldest goes, and a `missed` says so. */
  maxQueueBytes?: number;
  /** Receipts that may be awaited at once: 1,000. */
  maxReceipts?: number;
}

export type SignalEvent =
  /** A connection is there. `peer` is our own id, another one each time. */
  | { type: 'connected'; peer: string; url: string }
  /** It is gone, or an attempt failed; the next attempt begins after `wait`. */
  | { type: 'disconnected'; code: number; reason: string; wait: number }
  | { type: 'joined'; topic: string; peer: string }
  | { type: 'left'; topic: string; peer: string }
  | { type: 'relay'; topic: string; payload: Uint8Array; from: string }
  /**
   * Relays, `joined` and `left` of the topic may have been lost: in the server, over a reconnect (then `others` says how many
   * there are now), or because the loop took events too slowly.
   */
  | { type: 'missed'; topic: string; why: 'server' | 'reconnect' | 'queue'; others?: number }
  /** A message of ours had no effect. */
  | { type: 'error'; code: string; text: string }
  /** The server ends the connection and asks us to stay away for so long. */
  | { type: 'draining'; wait: number };

export interface Limits {
  /** Bytes of a message. */
  message: number;
  /** Bytes of a topic. */
  topic: number;
  /** Topics of a connection. */
  topics: number;
}

export interface RelayOptions {
  /** The one peer that is to get it. */
  to?: string;
  /** Resolve to how many it was routed to. */
  receipt?: boolean;
}

/** Connects to the first server that answers. Rejects with a ConnectError if none does. */
export function connect(urls: string | string[], options?: Options): Promise<SignalClient>;

/** Use connect(). One loop over it at a time: for await (const event of client). */
export class SignalClient implements AsyncIterable<SignalEvent> {
  constructor(urls: string | string[], options?: Options);
  open(): Promise<void>;
  /** Our own id, null while there is no connection. */
  readonly peer: string | null;
  readonly limits: Limits | undefined;
  /** Resolves to how many others there are, once the subscription counts. It is kept over reconnects. */
  subscribe(topic: string): Promise<number>;
  /** A subscribe() that waits for its answer rejects with a NotConnectedError. */
  unsubscribe(topic: string): void;
  /** With `receipt`, resolves to how many it was routed to. Rejects with a NotConnectedError: nothing is kept for later. */
  relay(topic: string, payload: Uint8Array, options: RelayOptions & { receipt: true }): Promise<number>;
  relay(topic: string, payload: Uint8Array, options?: RelayOptions): Promise<void>;
  /** The events of that topic go to the meeting from now on. */
  meet(topic: string, options?: MeetOptions): Meeting;
  /** Connects anew at once, as after a change of networks that a browser does not notice. */
  reconnect(): void;
  /** Ends meetings, connection and loops. */
  close(): void;
  [Symbol.asyncIterator](): AsyncIterator<SignalEvent>;
}

export interface MeetOptions {
  /** Of each RTCPeerConnection, such as { iceServers }. */
  rtc?: RTCConfiguration;
  /** Of each data channel, such as { ordered: false }. */
  channel?: RTCDataChannelInit;
  /** Called with each peer before anything is negotiated: the place for connection.addTrack(). */
  setup?(peer: Peer): void;
  onprogress?(progress: { peer: Peer; step: Step }): void;
  /** A connection that is not there, or not there any more, after so long is given up: 30,000. */
  patience?: number;
  /** More than so many are not met: 50. */
  maxPeers?: number;
  /** How often such a connection is offered anew: 3,000. */
  repairEvery?: number;
  RTCPeerConnection?: typeof RTCPeerConnection;
}

/** 'offer' and 'answer' are either side's. */
export type Step = 'found' | 'offer' | 'answer' | 'candidate-sent' | 'candidate-received';

export type MeetingEvent =
  /** Its channel is open. */
  | { type: 'open'; peer: Peer }
  /** It had been open and is over. */
  | { type: 'gone'; peer: Peer }
  /** No connection came about. */
  | { type: 'failed'; peer: Peer };

/** One loop over it at a time: for await (const { type, peer } of meeting). */
export interface Meeting extends AsyncIterable<MeetingEvent> {
  readonly topic: string;
  /** Ours, which the others see as peer.id; it stays the same over reconnects. */
  readonly id: string;
  /** How many others were there when we came. */
  readonly joined: Promise<number>;
  /** Those whose channel is open. */
  readonly peers: Peer[];
  close(): void;
  [Symbol.asyncIterator](): AsyncIterator<MeetingEvent>;
}

export interface Peer {
  /** Theirs, once they have said something. */
  readonly id: string | undefined;
  /** The offerer is the side that heard of the other. */
  readonly role: 'offerer' | 'answerer';
  readonly connection: RTCPeerConnection;
  readonly channel: RTCDataChannel;
}

export class ConnectError extends Error {
  attempts: { url: string; code: number; reason: string }[];
}

/** The server ended the connection for good: the application has to change something, or an operator did it. */
export class ClosedError extends Error {
  code: number;
  reason: string;
}

/** There is no connection now, or it or the subscription ended before the answer came: whether the message arrived is unknown. */
export class NotConnectedError extends Error {}
