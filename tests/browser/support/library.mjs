// Serves clients/javascript to a page that has nothing else in it, on 127.0.0.1.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const SOURCE = new URL('../../../clients/javascript/src/', import.meta.url);
const PAGE = `<!doctype html><title>meet</title><link rel="icon" href="data:,"><script type="module">
  import * as library from './index.js';
  window.library = library;
</script>`;

/** Resolves to { url, close }. */
export async function serveLibrary() {
  const server = createServer(async (request, response) => {
    const [, name] = /^\/([\w-]+\.js)?$/.exec(request.url) ?? [];
    const body = name ? await readFile(new URL(name, SOURCE)).catch(() => null) : request.url === '/' ? PAGE : null;
    response.writeHead(body ? 200 : 404, { 'content-type': name ? 'text/javascript' : 'text/html' }).end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, close };
}
