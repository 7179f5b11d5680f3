// What a person can do when something goes wrong: { title, help }. No DOM: tests run it in Node.

const BY_REASON = {
  draining: 'This server is shutting down. Connect again: another one may have taken its place.',
  too_many_topics: 'The connection holds more topics than the server allows (--max-topics).',
  topic_too_long: 'Choose a shorter topic: the server allows --max-topic-bytes, counted in UTF-8.',
  operator: 'An operator ended this connection. Ask them why before you connect again.',
  message_too_big: 'A message was larger than the server allows (--max-message-bytes).',
  pong_timeout: 'This browser stopped answering pings, as it does when the machine sleeps. Connect again.',
  slow_reader: 'This tab read more slowly than messages came for it. Close other work and connect again.',
  edge_full: 'The server has as many connections as it allows (--max-connections). Try again later.',
  address_full: 'Too many connections come from your address (--max-connections-per-ip). Close other tabs.',
};

const BY_CODE = {
  1001: 'The server went away. Connect again.',
  1002: 'The server found a protocol error. Is a proxy between this page and the server?',
  1006: 'The connection broke without a goodbye. Is the server still running?',
  1008: 'A limit of the server was broken, or its operator ended the connection.',
  1009: 'A message was larger than the server allows.',
  1013: 'The server is busy. Try again later.',
};

/** For an address that WebSocket does not take; null if it does. */
export function badAddress(text, pageProtocol) {
  let url;
  try {
    url = new URL(text);
  } catch {
    return { title: 'This is not an address', help: 'Give the server as ws://host:port or wss://host:port.' };
  }
  if (!['ws:', 'wss:'].includes(url.protocol)) {
    return { title: 'This is not a WebSocket address', help: 'It begins with ws://, or with wss:// for TLS.' };
  }
  if (url.hash) {
    return { title: 'This is not a WebSocket address', help: 'It must not contain a #.' };
  }
  if (pageProtocol === 'https:' && url.protocol === 'ws:') {
    return { title: 'Blocked by the browser', help: 'A page that was loaded by https can only use wss:// servers.' };
  }
  return null;
}

/** The same server for an HTTP request. */
export function httpAddress(url) {
  const address = new URL(url);
  address.protocol = address.protocol === 'wss:' ? 'https:' : 'http:';
  return address.href;
}

/**
 * The upgrade failed. A browser does not tell why; that the server answers an HTTP request (answers: true) or does not
 * leaves few causes.
 */
export function refused({ url, token, answers, timedOut }) {
  const { host, protocol } = new URL(url);
  const refusal = `${host} is there but refused the connection. Most likely `;
  if (answers) {
    return token
      ? {
          title: 'The server did not let us in',
          help: `${refusal}the token is wrong: compare it with the one that the server was started with.`,
        }
      : {
          title: 'The server did not let us in',
          help: `${refusal}it wants a token: enter the one that the server was started with.`,
        };
  }
  if (protocol === 'wss:') {
    return {
      title: 'No secure connection',
      help:
        `Either nothing runs at ${host}, or this browser does not trust its certificate. Open the address below: if the ` +
        'browser warns, accept the certificate and connect again; “This is a WebSocket server” means that it is fine.',
      link: httpAddress(url),
    };
  }
  return {
    title: timedOut ? 'The server does not answer' : 'Nothing answers there',
    help:
      `Is a server running at ${host}? Start one with: cairn-signal --listen-addr 127.0.0.1:8080. ` +
      'If it serves TLS, its address begins with wss://.',
  };
}

/** The server closed a connection that had been open. */
export function closed({ code, reason }) {
  return {
    title: `The server closed the connection: ${code}${reason ? ` ${reason}` : ''}`,
    help: BY_REASON[reason] ?? BY_CODE[code] ?? 'Connect again.',
  };
}

export const noPath = {
  title: 'No direct path',
  help:
    'The tabs found each other, but no direct connection came about. This page uses neither STUN nor TURN: open both ' +
    'tabs on one machine or in one network, and look for a firewall or an extension that blocks WebRTC.',
};
