// The pure functions of the page, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { badAddress, closed, httpAddress, refused } from '../../examples/browser/advice.js';
import { subprotocols } from '../../clients/javascript/src/connection.js';
import { STEPS, Timeline, duration } from '../../examples/browser/timeline.js';

/** A timeline with these marks at these milliseconds. */
function timelineOf(marks, role = 'answerer') {
  let now = 1000;
  const timeline = new Timeline(() => now);
  timeline.role = role;
  for (const [name, at] of Object.entries(marks)) {
    now = 1000 + at;
    timeline.mark(name);
  }
  return timeline;
}

const MET_AT_ONCE = {
  socket: 10,
  subscribe: 11,
  heard: 14,
  offer: 20,
  answer: 30,
  ice: 45,
  channel: 50,
  echo: 52,
};

test('steps follow each other without a gap', () => {
  const { steps, wait, total } = timelineOf(MET_AT_ONCE);
  assert.deepEqual(steps.map(({ mark }) => mark), STEPS.map(({ mark }) => mark));
  assert.deepEqual(steps.map(({ ms }) => ms), [10, 1, 3, 6, 10, 15, 5, 2]);
  steps.slice(1).forEach(({ from }, index) => assert.equal(from, steps[index].to));
  assert.equal(wait, null);
  assert.equal(total, 50);
});

test('an event that comes late makes no negative step', () => {
  const { steps } = timelineOf({ ...MET_AT_ONCE, echo: undefined, ice: 60, channel: 50 });
  assert.equal(steps.find(({ mark }) => mark === 'channel').ms, 0);
});

test('waiting for the other tab to arrive is not part of the total', () => {
  const late = Object.fromEntries(Object.entries(MET_AT_ONCE).map(([name, at]) => [name, at > 11 ? at + 5000 : at]));
  const { wait, total } = timelineOf(late, 'offerer');
  assert.equal(wait.ms, 5003);
  assert.equal(total, 47);
});

test('a slow answer is no waiting', () => {
  const slow = Object.fromEntries(Object.entries(MET_AT_ONCE).map(([name, at]) => [name, at * 60]));
  const { wait, total } = timelineOf(slow);
  assert.equal(wait, null);
  assert.equal(total, 3000);
});

test('only the first mark counts', () => {
  const timeline = timelineOf({ socket: 10 });
  timeline.mark('socket');
  assert.equal(timeline.at('socket'), 10);
});

test('durations read well', () => {
  assert.deepEqual([0.04, 3.21, 38.4, 1234, 12_345, 61_000].map(duration), [
    '0.0 ms',
    '3.2 ms',
    '38 ms',
    '1.2 s',
    '12 s',
    '1 min 1 s',
  ]);
});

test('a token travels as base64url without padding', () => {
  assert.deepEqual(subprotocols(''), ['cairn.signal.v2']);
  assert.deepEqual(subprotocols('secret'), ['cairn.signal.v2', 'cairn.bearer.c2VjcmV0']);
  assert.deepEqual(subprotocols('a?>ü'), ['cairn.signal.v2', 'cairn.bearer.YT8-w7w']);
});

test('addresses that WebSocket would not take', () => {
  assert.equal(badAddress('ws://127.0.0.1:8080', 'http:'), null);
  assert.equal(badAddress('wss://signal.example.com/any?query', 'https:'), null);
  assert.match(badAddress('127.0.0.1', 'http:').title, /not an address/);
  assert.match(badAddress('https://example.com', 'http:').title, /not a WebSocket address/);
  assert.match(badAddress('ws://example.com/#x', 'http:').help, /#/);
  assert.match(badAddress('ws://example.com', 'https:').help, /wss/);
});

test('what a failed upgrade may mean', () => {
  const url = 'ws://signal.test:8080/';
  assert.match(refused({ url, token: 'x', answers: true }).help, /token is wrong/);
  assert.match(refused({ url, token: '', answers: true }).help, /wants a token/);
  assert.match(refused({ url, token: '', answers: false }).title, /Nothing answers/);
  assert.match(refused({ url, token: '', answers: false, timedOut: true }).title, /does not answer/);
  assert.equal(refused({ url: 'wss://signal.test/', answers: false }).link, 'https://signal.test/');
  assert.equal(httpAddress(url), 'http://signal.test:8080/');
});

test('every close says what to do', () => {
  assert.match(closed({ code: 1013, reason: 'edge_full' }).title, /1013 edge_full/);
  assert.match(closed({ code: 1008, reason: 'an operator’s own words' }).help, /operator/);
  assert.match(closed({ code: 1006, reason: '' }).title, /1006$/);
  assert.ok(closed({ code: 4242, reason: '' }).help);
});
