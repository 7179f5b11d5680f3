// The page in a headless Chromium: a Tab is one page in a browser context of its own.
import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

const CHROMIUM = process.env.CAIRN_CHROMIUM ?? '/usr/bin/chromium';
// Only a failing test waits this long: on a busy machine a browser may take half a minute for a page.
const PATIENCE_MS = 120_000;
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Candidates with plain loopback and host addresses: there is no multicast DNS to resolve the others.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

export function launch() {
  if (!existsSync(CHROMIUM)) throw new Error(`no ${CHROMIUM}: apt-get install chromium, or set CAIRN_CHROMIUM`);
  return chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
}

export class Tab {
  /** What the page threw or logged as an error, but for what the browser itself says of connections. */
  errors = [];
  /** WebSockets that the page opened: { url, sent: [Buffer], received: [Buffer] }. */
  sockets = [];
  #context;

  static async open(browser, address, options = {}) {
    const tab = new Tab();
    tab.#context = await browser.newContext({ viewport: { width: 1120, height: 900 }, ...options });
    tab.page = await tab.#context.newPage();
    tab.page.setDefaultTimeout(PATIENCE_MS);
    tab.page.on('pageerror', (error) => tab.errors.push(String(error)));
    tab.page.on('console', (message) => {
      const isNetwork = /WebSocket connection to|Failed to load resource/.test(message.text());
      if (message.type() === 'error' && !isNetwork) tab.errors.push(message.text());
    });
    tab.page.on('websocket', (socket) => {
      const seen = { url: socket.url(), sent: [], received: [] };
      socket.on('framesent', ({ payload }) => seen.sent.push(Buffer.from(payload)));
      socket.on('framereceived', ({ payload }) => seen.received.push(Buffer.from(payload)));
      tab.sockets.push(seen);
    });
    await tab.page.goto(address);
    return tab;
  }

  async connect() {
    await this.page.getByRole('button', { name: 'Connect', exact: true }).click();
  }

  /** Waits for 'idle', 'waiting', 'open' … */
  async reaches(state) {
    await this.page.waitForSelector(`html[data-state="${state}"]`);
  }

  /** The text of what went wrong, once it is shown. */
  async alert(containing = '') {
    const alert = this.page.getByRole('alert').filter({ hasText: containing });
    await alert.waitFor();
    return alert.innerText();
  }

  /** Sends a message and waits for its echo. */
  async say(text) {
    await this.page.getByLabel('Message', { exact: true }).fill(text);
    await this.page.getByRole('button', { name: 'Send' }).click();
    await this.page.locator('.us', { hasText: text }).getByText('there and back').waitFor();
  }

  async hears(text) {
    await this.page.locator('.them', { hasText: text }).waitFor();
  }

  /** { total, steps: Map of mark to milliseconds }, once the first echo is back. */
  async measured() {
    await this.page.waitForSelector('#rows [data-mark="echo"][data-ms]', { state: 'attached' });
    const total = Number(await this.page.locator('#total').getAttribute('data-ms'));
    const steps = await this.page.$$eval('#rows [data-ms]', (rows) =>
      rows.map(({ dataset }) => [dataset.mark, Number(dataset.ms)]),
    );
    return { total, steps: new Map(steps) };
  }

  close() {
    return this.#context.close();
  }
}

const tabs = [];

/** A Tab that closeTabs() closes. */
export async function openTab(browser, address, options) {
  tabs.push(await Tab.open(browser, address, options));
  return tabs.at(-1);
}

/** Closes what openTab() opened; the errors of all of them. */
export async function closeTabs() {
  const errors = tabs.flatMap((tab) => tab.errors);
  await Promise.all(tabs.splice(0).map((tab) => tab.close()));
  return errors;
}
