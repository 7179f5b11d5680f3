// The page: a form, one Run at a time, and what there is to see of it.
import { ClosedError, ConnectError } from 'cairn-signal-client';

import { badAddress, closed, httpAddress, noPath, refused } from './advice.js';
import { draw, fillTable } from './chart.js';
import { Run } from './meeting.js';
import { Timeline, duration } from './timeline.js';

const DEFAULT_URL = 'ws://127.0.0.1:8080';
const PROBE_TIMEOUT_MS = 3000;
const REDRAW_WHEN_STILL_MS = 300;
const MAX_LOG_LINES = 50;

const $ = (id) => document.getElementById(id);

/** What the form said when Connect was pressed. */
let settings = null;
let run = null;
let timeline = null;
/** The run that is drawn: the current one, or the last while the current only waits. */
let shown = null;
let redrawTimer;

// ---- the form and the address

function prefill() {
  const query = new URLSearchParams(location.search);
  $('url').value = query.get('url') ?? DEFAULT_URL;
  $('topic').value = query.get('topic') ?? `room-${Math.random().toString(36).slice(2, 7)}`;
  $('token').value = query.get('token') ?? '';
  readForm();
  if (query.has('connect')) connect();
}

/**
 * The topic goes into the page's address, so that whoever opens a copy of it meets this tab. The token goes out of it,
 * so that neither the history nor a screenshot keeps it.
 */
function readForm() {
  settings = { url: $('url').value.trim(), topic: $('topic').value, token: $('token').value };
  history.replaceState(null, '', `?${query({ ...settings, token: '' })}`);
  $('second').href = `?${query(settings)}&connect`;
}

function query({ url, topic, token }) {
  const pairs = Object.entries({ url, topic, token }).filter(([, text]) => text);
  // These are legal in a query, and easier to read as they are.
  return new URLSearchParams(pairs).toString().replaceAll('%3A', ':').replaceAll('%2F', '/');
}

function connect() {
  readForm();
  const advice = badAddress(settings.url, location.protocol);
  showAlert(advice);
  if (!advice) start();
}

// ---- a run

function start() {
  timeline = new Timeline();
  run = new Run({ ...settings, timeline, handlers });
}

/** Back to the form. */
function end(advice) {
  run = null;
  showState('idle');
  showAlert(advice);
}

const handlers = {
  state(name) {
    showState(name);
    if (name === 'negotiating') showAlert(null);
    if (name === 'open') $('log').replaceChildren();
  },

  changed() {
    if (timeline.at('heard') === undefined) return;
    shown = timeline;
    redrawSoon();
  },

  said(text) {
    addLine('them', text);
  },

  heard(n, ms) {
    const time = $('log').querySelector(`[data-n="${n}"] .time`);
    if (time) time.textContent = `there and back in ${duration(ms)}`;
  },

  serverLost({ code, reason }) {
    const { title } = closed({ code, reason });
    const isOpen = run.peers.length > 0;
    const channels = isOpen ? 'The data channel stays open: it does not go through the server. Try it below. ' : '';
    showAlert({ title, help: `${channels}This tab connects to the server again by itself.` });
  },

  serverBack() {
    showAlert(null);
  },

  again() {
    run.leave();
    start();
  },

  left() {
    run.leave();
    showAlert({ title: 'The other tab has left', help: 'This one waits for the next.' });
    start();
  },

  async ended(error) {
    if (error === null) return end(noPath);
    if (error instanceof ClosedError) return end(closed(error));
    if (!(error instanceof ConnectError)) return end({ title: 'The server does not take this', help: error.message });
    end(null);
    $('status').textContent = 'Not connected. Looking for the cause …';
    const { url, token } = settings;
    const [{ reason }] = error.attempts;
    const advice = refused({ url, token, answers: await answersHttp(url), timedOut: reason === 'no welcome in time' });
    if (run) return;
    showState('idle');
    showAlert(advice);
  },
};

/** A browser hides why an upgrade failed, but shows whether the server answers a plain request. */
async function answersHttp(url) {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    await fetch(httpAddress(url), { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal });
    return true;
  } catch {
    return false;
  }
}

// ---- what is to be seen

function statusText(state) {
  switch (state) {
    case 'connecting':
      return `Connecting to ${settings.url} …`;
    case 'waiting':
      return `Subscribed to “${settings.topic}”. Waiting for another tab with the same topic.`;
    case 'negotiating':
      return 'Found the other tab. Exchanging offer, answer and candidates through the server …';
    case 'open':
      return 'Connected. Messages go from tab to tab; the server has done its part.';
    default:
      return 'Not connected.';
  }
}

function showState(state) {
  const hadFocus = document.activeElement;
  document.documentElement.dataset.state = state;
  $('status').textContent = statusText(state);
  for (const id of ['url', 'topic', 'token']) $(id).readOnly = state !== 'idle';
  $('connect').hidden = state !== 'idle';
  $('leave').hidden = state === 'idle';
  $('second').hidden = state !== 'waiting';
  $('again').hidden = state !== 'open';
  $('talk').hidden = state !== 'open';
  // A button that disappears must not take the keyboard with it.
  if (hadFocus?.hidden) $(state === 'idle' ? 'connect' : 'leave').focus();
  showIds();
}

function showIds() {
  const role = timeline?.role;
  const others = run?.peers.map(({ id }) => `${id.slice(0, 6)}…`) ?? [];
  $('who').textContent = others.length
    ? `This tab is ${run.id.slice(0, 6)}…, the other ${others.join(', ')}; ` +
      `${role === 'offerer' ? 'this tab was there first' : 'the other was there first'} and made the offer.`
    : '';
}

function showAlert(advice) {
  $('alert').hidden = !advice;
  $('alert-title').textContent = advice?.title ?? '';
  $('alert-help').textContent = advice?.help ?? '';
  $('alert-link').hidden = !advice?.link;
  if (advice?.link) $('alert-link').href = $('alert-link').textContent = advice.link;
}

/** Drawing takes milliseconds too, which must not be among what it shows: it waits until the run is over or stuck. */
function redrawSoon() {
  clearTimeout(redrawTimer);
  // Not an animation frame: those stop in a tab that is not in front.
  redrawTimer = setTimeout(redraw, timeline.at('echo') === undefined ? REDRAW_WHEN_STILL_MS : 0);
}

function redraw() {
  if (!shown) return;
  $('result').hidden = false;
  draw($('chart'), shown, Math.floor($('chart-box').clientWidth));
  fillTable($('rows'), shown);
  showTotal();
  showIds();
}

function showTotal() {
  const { total, wait } = shown;
  $('total').textContent = total === undefined ? '–' : duration(total);
  if (total === undefined) {
    delete $('total').dataset.ms;
  } else {
    $('total').dataset.ms = total.toFixed(2);
  }
  let what = 'from socket to open channel';
  if (wait) what += `, without the ${duration(wait.ms)} of waiting`;
  if (shown !== timeline) what = `the last run: ${what}`;
  $('total-what').textContent = what;
}

function addLine(who, text, n) {
  const line = document.createElement('li');
  line.className = who;
  if (n !== undefined) line.dataset.n = n;
  const words = document.createElement('span');
  words.className = 'words';
  words.textContent = text;
  const time = document.createElement('span');
  time.className = 'time';
  time.textContent = who === 'them' ? 'from the other tab' : 'on its way';
  line.append(words, time);
  $('log').append(line);
  while ($('log').children.length > MAX_LOG_LINES) $('log').firstChild.remove();
}

// ---- what a person does

$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  if (!run) connect();
});

$('leave').addEventListener('click', () => {
  run?.leave();
  end(null);
});

$('again').addEventListener('click', async () => {
  await run.leaveTogether();
  start();
});

$('say').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('text').value.trim();
  if (!text || document.documentElement.dataset.state !== 'open') return;
  addLine('us', text, run.say(text));
  $('text').value = '';
});

addEventListener('pagehide', () => run?.leave());
// A page that comes back out of the browser's cache has left.
addEventListener('pageshow', (event) => event.persisted && end(null));
new ResizeObserver(redraw).observe($('chart-box'));

prefill();
