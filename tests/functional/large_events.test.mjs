// An event of the largest size costs the extension next to no memory.
import assert from 'node:assert/strict';
import test from 'node:test';
import { memory, processOf } from './emulated_processes.mjs';
import { HttpPeer } from './http_peer.mjs';
import { sanitized, startFunction } from './task_story.mjs';

const MOST_GROWTH = 2 << 20;
const skip = sanitized && 'a sanitizer has memory of its own';
const EVENT_BYTES = 6_000_000; // Lambda takes 6 MB

// From now on: by how much the most memory that the story's extension ever had becomes more.
function growth(story) {
  const extension = processOf(story.lambda.pid, 'postlude-extens');
  const before = memory(extension, 'VmHWM');
  return () => memory(extension, 'VmHWM') - before;
}

const small = { kind: 'order', last: { id: 7 } };
const filler = (count, of) => Array.from({ length: count }, of);
const events = {
  'one string': { kind: 'order', text: 'ä"'.repeat(1_480_000), last: { id: 7 } },
  'one escaped string': { kind: 'order', text: '\u0001'.repeat(990_000), last: { id: 7 } },
  'many members': {
    kind: 'order',
    ...Object.fromEntries(filler(270_000, (_, i) => [`member${i}`, i])),
    last: { id: 7 },
  },
  'many small objects': { kind: 'order', list: filler(250_000, (_, i) => ({ id: i, of: null })), last: { id: 7 } },
  'deep lists': { kind: 'order', lists: filler(6_000, () => JSON.parse('['.repeat(450) + ']'.repeat(450))), last: { id: 7 } },
};

for (const [name, event] of Object.entries(events)) {
  test(`an event of 6 MB, ${name}: match, templates and an HTTP task take less than 2 MiB`, { skip }, async (t) => {
    const peer = await HttpPeer.start(t);
    const story = await startFunction(
      t,
      [
        {
          name: 'tell',
          match: { 'event.kind': ['order', 'refund'], 'event.nothing.like.it': '*' },
          http: { url: peer.url() },
        },
        {
          name: 'last',
          match: { 'event.kind': 'o*r' },
          http: { url: peer.url('127.0.0.1', '/${event.last.id}'), json: { id: '${event.last.id}', of: '${event.kind}' } },
        },
      ],
      { folder: 'buffered', env: { POSTLUDE_CONCURRENCY: '1' } },
    );
    const payload = JSON.stringify(event);
    assert.ok(Buffer.byteLength(payload) > 0.85 * EVENT_BYTES && Buffer.byteLength(payload) < 6 << 20, `${Buffer.byteLength(payload)}`);
    await story.invoke(JSON.stringify(small));
    await story.receipt(1);
    const grown = growth(story);
    assert.equal((await story.invoke(payload)).status, 200);
    const receipt = await story.receipt(2);
    assert.deepEqual(receipt.tasks.map(({ name: task, state }) => [task, state]), [['last', 'done']]);
    assert.ok(grown() < MOST_GROWTH, `${grown()} bytes`);
    assert.deepEqual(peer.requests.map(({ url, body }) => [url, body]), Array(2).fill(['/7', '{"id":7,"of":"order"}']));
  });
}

// The body of a request stands as a string in the event's JSON.
const bodies = {
  'one string': { kind: 'order', text: 'ä"'.repeat(800_000), last: { id: 7 } },
  'many members': {
    kind: 'order',
    ...Object.fromEntries(filler(150_000, (_, i) => [`member${i}`, i])),
    last: { id: 7 },
  },
};

function requestEvent(value, isBase64Encoded) {
  const text = JSON.stringify(value);
  return JSON.stringify({
    version: '2.0',
    rawPath: '/orders',
    headers: { 'content-type': 'application/json' },
    requestContext: { http: { method: 'POST', path: '/orders' } },
    body: isBase64Encoded ? Buffer.from(text).toString('base64') : text,
    isBase64Encoded,
  });
}

for (const [name, value] of Object.entries(bodies)) {
  for (const isBase64Encoded of [false, true]) {
    const encoding = isBase64Encoded ? 'base64' : 'text';
    test(`a request with MBs of ${encoding}, ${name}: its parsed body takes less than 2 MiB`, { skip }, async (t) => {
      const peer = await HttpPeer.start(t);
      const json = ['${request.body.last.id}', '${request.path}'];
      const task = { name: 'tell', match: { 'request.body.kind': 'order' }, http: { url: peer.url(), json } };
      const story = await startFunction(t, [task], { folder: 'buffered' });
      await story.invoke(requestEvent(small, isBase64Encoded));
      await story.receipt(1);
      const grown = growth(story);
      await story.invoke(requestEvent(value, isBase64Encoded));
      assert.equal((await story.receipt(2)).tasks[0].state, 'done');
      assert.ok(grown() < MOST_GROWTH, `${grown()} bytes`);
      assert.deepEqual(peer.requests.map(({ body }) => body), Array(2).fill('[7,"/orders"]'));
    });
  }
}
