// Shared by the test files here: servers that end after each test, topics of a test's own, and a closed port.
import { createServer } from 'node:net';

import { startServers } from './servers.mjs';

export const TOKEN = 'correct horse/battery+staple?';
export const SHAPES = [{ shape: 'one process', edges: 0 }, { shape: 'two edges and a core', edges: 2 }];

let topics = 0;
export const nextTopic = () => `topic-${++topics}`;

const servers = [];

/** Anything with a stop(), ended by stopServers(). */
export function stopLater(server) {
  servers.push(server);
  return server;
}

/** startServers(), ended by stopServers(). */
export const serve = async (options) => stopLater(await startServers(options));

export const stopServers = () => Promise.all(servers.splice(0).map((server) => server.stop()));

export async function unusedPort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
