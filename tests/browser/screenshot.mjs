// Renews docs/browser-example.png: node tests/browser/screenshot.mjs [FILE [light|dark [WIDTH]]]
import { fileURLToPath } from 'node:url';

import { servePage } from '../../examples/browser/serve.mjs';
import { startServers } from './support/servers.mjs';
import { Tab, launch } from './support/tabs.mjs';

const DEFAULT_FILE = fileURLToPath(new URL('../../docs/browser-example.png', import.meta.url));
const [path = DEFAULT_FILE, colorScheme = 'light', width = '1000'] = process.argv.slice(2);

const [browser, page, server] = await Promise.all([launch(), servePage(), startServers()]);
try {
  const address = `${page.url}?${new URLSearchParams({ url: server.urls[0], topic: 'garden-gate' })}`;
  const first = await Tab.open(browser, address);
  const second = await Tab.open(browser, address, { colorScheme, viewport: { width: Number(width), height: 700 } });
  await first.connect();
  await first.reaches('waiting');
  await second.connect();
  await second.measured();
  // The first connection of a browser is slower than the next.
  const socket = second.page.waitForEvent('websocket');
  await second.page.getByRole('button', { name: 'Measure again' }).click();
  await socket;
  await second.reaches('open');
  await second.measured();
  await second.page.evaluate(() => document.activeElement.blur());
  await second.page.mouse.move(0, 0);
  // Down to the end of the timeline.
  const { y, height } = await second.page.locator('#result').boundingBox();
  const clip = { x: 0, y: 0, width: Number(width), height: y + height + 18 };
  await second.page.screenshot({ path, clip, fullPage: true });
} finally {
  await browser.close();
  page.close();
  await server.stop();
}
