// The platform may freeze an environment between any two instructions.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HttpPeer } from './http_peer.mjs';
import { startFunction } from './task_story.mjs';

const ANSWER = JSON.stringify({ statusCode: 200, body: 'answered' });
const silent = () => {};
const OPTIONS = { options: ['--timeout', '60s'] };

test('frozen straight after its init, an environment serves and does its work', async (t) => {
  const peer = await HttpPeer.start(t);
  const story = await startFunction(t, [{ name: 'tell', http: { url: peer.url() } }], { options: ['--eager-init'] });
  await story.lambda.event('frozen');
  await story.lambda.control('freeze?for=3s');
  assert.equal((await story.call(ANSWER)).text, 'answered');
  assert.equal((await story.outcome('tell')).state, 'done');
  assert.equal((await story.lambda.event('invokeEnd')).status, 'success');
});

test('a command that is frozen with its environment goes on', async (t) => {
  const story = await startFunction(t, [{ name: 'slow', command: ['sh', '-c', 'echo begins; sleep 2; echo ends'] }], OPTIONS);
  await story.call(ANSWER);
  await story.lambda.line((line) => line === 'begins');
  await story.lambda.control('freeze?for=3s');
  const { state, attempts } = await story.outcome('slow');
  assert.deepEqual([state, attempts], ['done', 1]);
  assert.equal(story.lambda.log.filter((line) => line === 'begins').length, 1);
});

test('a call that was under way over a freeze is not waited for until its timeout, and uses up no attempt', async (t) => {
  const peer = await HttpPeer.start(t, [silent, { status: 200 }]);
  const story = await startFunction(t, [{ name: 'tell', attempts: 1, timeout: '50s', http: { url: peer.url() } }], OPTIONS);
  await story.call(ANSWER);
  await peer.request();
  await story.lambda.control('freeze?for=3s');
  const thawed = Date.now();
  const { state, attempts } = await story.outcome('tell');
  assert.deepEqual([state, attempts], ['done', 1]);
  t.diagnostic(`done ${Date.now() - thawed} ms after the thaw`);
  assert.ok(Date.now() - thawed < 20_000);
  assert.equal(peer.requests.length, 2);
});

test('an answer that came during a freeze counts', async (t) => {
  let held;
  const peer = await HttpPeer.start(t, [(request, response) => (held = response)]);
  const story = await startFunction(t, [{ name: 'tell', attempts: 1, http: { url: peer.url() } }], OPTIONS);
  await story.call(ANSWER);
  await peer.request();
  await story.lambda.control('freeze');
  held.end();
  await story.lambda.control('thaw');
  const { state, attempts } = await story.outcome('tell');
  assert.deepEqual([state, attempts], ['done', 1]);
  assert.equal(peer.requests.length, 1);
});

test('after a thaw no more calls are made at once than ever, however many were due', async (t) => {
  const waiting = new Set();
  let most = 0;
  const hold = (request, response) => {
    waiting.add(response);
    most = Math.max(most, waiting.size);
    setTimeout(() => {
      waiting.delete(response);
      response.end();
    }, 100);
  };
  const names = Array.from({ length: 10 }, (_, n) => `task-${n}`);
  const peer = await HttpPeer.start(t, [...names.map(() => ({ status: 503, headers: { 'Retry-After': '2' } })), hold]);
  const tasks = names.map((name) => ({ name, http: { url: peer.url() } }));
  const story = await startFunction(t, tasks, { ...OPTIONS, env: { POSTLUDE_CONCURRENCY: '2' } });
  await story.call(ANSWER);
  await peer.request(names.length);
  await story.lambda.control('freeze?for=3s');
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(({ state, attempts }) => [state, attempts]), names.map(() => ['done', 2]));
  assert.equal(peer.requests.length, 2 * names.length);
  assert.ok(most <= 2, `${most} at once`);
});

test('a connection is not used again in a later invocation', async (t) => {
  const peer = await HttpPeer.start(t);
  const tasks = ['a', 'b'].map((name) => ({ name, http: { url: peer.url() } }));
  const story = await startFunction(t, tasks, { env: { POSTLUDE_CONCURRENCY: '1' } });
  for (const nth of [1, 2, 3]) {
    await story.call(ANSWER);
    await story.receipt(nth);
    await story.lambda.event('frozen', nth);
    await peer.closed();
    assert.equal(peer.connections, nth);
  }
});
