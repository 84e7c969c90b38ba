// HTTP tasks and the time of invocations: deadline, hold limit, order.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HttpPeer } from './http_peer.mjs';
import { sanitized, startFunction } from './task_story.mjs';

const QUICK_MS = sanitized ? 5000 : 900; // for what is to happen at once, on a busy machine
const ANSWER = JSON.stringify({ statusCode: 200, body: 'answered' });
const silent = () => {};

const once = { 'request.path': '/once' };

test('cut by the deadline: no attempt is used up, a later invocation does it', async (t) => {
  const peer = await HttpPeer.start(t, [silent, { status: 200 }]);
  const tasks = [{ name: 'tell', attempts: 1, match: once, http: { url: peer.url(), json: '${context.attempt}' } }];
  const story = await startFunction(t, tasks, { options: ['--timeout', '2s'] });
  await story.call(ANSWER, { at: '/once' });
  const receipt = await story.receipt();
  const { id, state, attempts, why } = receipt.tasks[0];
  assert.deepEqual({ state, attempts, why }, { state: 'carried', attempts: 0, why: 'cut by the deadline' });
  assert.ok(receipt.heldMs < 2000, `${receipt.heldMs} ms`);
  const end = await story.lambda.event('invokeEnd', 1);
  assert.equal(end.status, 'success');
  await peer.closed();
  await story.call(ANSWER, { at: '/later' });
  const done = await story.outcome('tell', 2);
  assert.deepEqual([done.id, done.state, done.attempts], [id, 'done', 1]);
  assert.deepEqual(peer.requests.map(({ body, headers }) => [body, headers['idempotency-key']]), [['1', id], ['1', id]]);
});

test('cut by the deadline a fourth time: expired', async (t) => {
  const peer = await HttpPeer.start(t, [silent]);
  const tasks = [{ name: 'tell', match: once, http: { url: peer.url() } }];
  const story = await startFunction(t, tasks, { options: ['--timeout', '1s'] });
  const outcomes = [];
  for (const nth of [1, 2, 3, 4]) {
    await story.call(ANSWER, { at: nth === 1 ? '/once' : '/later' });
    const { state, attempts } = await story.outcome('tell', nth);
    outcomes.push([state, attempts]);
    assert.equal((await story.lambda.event('invokeEnd', nth)).status, 'success');
  }
  assert.deepEqual(outcomes, [['carried', 0], ['carried', 0], ['carried', 0], ['expired', 0]]);
  assert.equal(peer.requests.length, 4);
});

test('the hold limit frees the environment, and the work goes on in the next invocation', async (t) => {
  const peer = await HttpPeer.start(t, [silent, { status: 200 }]);
  const tasks = [{ name: 'tell', match: once, http: { url: peer.url() } }];
  const story = await startFunction(t, tasks, { env: { POSTLUDE_HOLD_LIMIT: '500ms' } });
  await story.call(ANSWER, { at: '/once' });
  const receipt = await story.receipt();
  assert.deepEqual([receipt.tasks[0].state, receipt.tasks[0].attempts], ['carried', 0]);
  assert.ok(receipt.heldMs >= 400 && receipt.heldMs < 500 + QUICK_MS, `${receipt.heldMs} ms`);
  await story.call(ANSWER, { at: '/later' });
  const done = await story.outcome('tell', 2);
  assert.deepEqual([done.state, done.attempts], ['done', 1]);
});

test('when "timeout": the call is made before the deadline of a function that has not answered', async (t) => {
  const peer = await HttpPeer.start(t);
  const tasks = [
    { name: 'late', when: 'timeout', http: { url: peer.url(), json: { id: '${context.requestId}', path: '${request.path}' } } },
    { name: 'fine', http: { url: peer.url() } },
  ];
  const story = await startFunction(t, tasks, { folder: 'late', options: ['--timeout', '2s'] });
  assert.equal((await story.call('{"ms": 1}')).status, 200);
  assert.deepEqual((await story.receipt(1)).tasks.map((task) => task.name), ['fine']);
  const began = Date.now();
  const answered = await story.call('{"ms": 60000}', { at: '/slow' });
  assert.notEqual(answered.status, 200);
  const task = await story.outcome('late');
  assert.equal(task.state, 'done');
  assert.equal(peer.requests.length, 2);
  const { at, body } = peer.requests[1];
  assert.ok(at - began >= 1000 && at - began < 2000, `${at - began} ms`);
  assert.deepEqual(JSON.parse(body), { id: task.id.split('/')[0], path: '/slow' });
});

test('with a concurrency of 1 tasks run in their order, also where one has to be tried again', async (t) => {
  const peer = await HttpPeer.start(t, [{ status: 503 }, { status: 503 }, { status: 200 }]);
  const names = ['a', 'b', 'c'];
  const tasks = names.map((name) => ({ name, backoff: '5ms', http: { url: peer.url('127.0.0.1', `/${name}`) } }));
  const story = await startFunction(t, tasks, { env: { POSTLUDE_CONCURRENCY: '1' } });
  await story.call(ANSWER);
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(({ name, state, attempts }) => [name, state, attempts]), [
    ['a', 'done', 3], ['b', 'done', 1], ['c', 'done', 1],
  ]);
  assert.deepEqual(peer.requests.map((request) => request.url), ['/a', '/a', '/a', '/b', '/c']);
});

test('with a concurrency of 1 nothing overtakes a task that is carried', async (t) => {
  const tooMany = { status: 429, headers: { 'Retry-After': '3' } };
  const peer = await HttpPeer.start(t, [{ status: 200 }, tooMany, { status: 200 }]);
  const tasks = ['a', 'b', 'c'].map((name) => ({ name, match: once, http: { url: peer.url('127.0.0.1', `/${name}`) } }));
  const story = await startFunction(t, tasks, { folder: 'late', env: { POSTLUDE_CONCURRENCY: '1' } });
  await story.call('{}', { at: '/once' });
  const first = await story.receipt(1);
  assert.deepEqual(first.tasks.map(({ name, state }) => [name, state]), [['a', 'done'], ['b', 'carried'], ['c', 'carried']]);
  await story.call('{"ms": 3000}', { at: '/later' });
  const second = await story.receipt(2);
  assert.deepEqual(second.tasks.map(({ name, state }) => [name, state]), [['b', 'done'], ['c', 'done']]);
  assert.deepEqual(peer.requests.map((request) => request.url), ['/a', '/b', '/b', '/c']);
});

test('a concurrency of 2 means two calls at once, and no more', async (t) => {
  const waiting = [];
  let most = 0;
  let gather;
  const both = new Promise((resolve) => (gather = resolve));
  const hold = (request, response) => {
    waiting.push(response);
    most = Math.max(most, waiting.length);
    if (waiting.length === 2) {
      gather();
    }
  };
  const peer = await HttpPeer.start(t, [hold, hold, { status: 200 }]);
  const tasks = ['a', 'b', 'c'].map((name) => ({ name, http: { url: peer.url() } }));
  const story = await startFunction(t, tasks, { env: { POSTLUDE_CONCURRENCY: '2' } });
  await story.call(ANSWER);
  await both;
  assert.equal(peer.requests.length, 2);
  waiting.forEach((response) => response.end());
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map((task) => task.state), ['done', 'done', 'done']);
  assert.equal(peer.requests.length, 3);
});
