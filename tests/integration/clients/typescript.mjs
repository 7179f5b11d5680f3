// The backends of the tests that act as TypeScript clients.
//
// Driven by typescript_client.py: one command a line on stdin, {"id", "backend", "do", …}; on stdout {"id", "said": true}
// when a message has left for the server, and {"id", "result"} when the call is over. Ends with its stdin.
import { createInterface } from 'node:readline';

import { SignalingBackend } from './typescript_backend.mjs';

const backends = new Map();
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function carryOut({ id, backend, do: what, url, topic, blob }) {
  const said = () => print({ id, said: true });
  switch (what) {
    case 'new':
      backends.set(backend, new SignalingBackend(url));
      return true;
    case 'publish':
      return backends.get(backend).publish(topic, Buffer.from(blob, 'hex'), said);
    case 'query':
      return (await backends.get(backend).query(topic, said))?.toString('hex') ?? null;
    case 'stop':
      backends.get(backend).stop();
      backends.delete(backend);
      return true;
    default:
      throw new Error(`unknown command ${what}`);
  }
}

const commands = createInterface({ input: process.stdin });
commands.on('line', async (line) => {
  const command = JSON.parse(line);
  print({ id: command.id, result: await carryOut(command) });
});
commands.on('close', () => process.exit(0));
