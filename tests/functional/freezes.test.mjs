// The platform may freeze an environment between any two instructions.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { HttpPeer } from './http_peer.mjs';
import { startFunction, temporaryFolder, tests } from './task_story.mjs';

const ANSWER = JSON.stringify({ statusCode: 200, body: 'answered' });
const silent = () => {};
const once = { 'request.path': '/once' };
// Until that file is there.
const waiting = (file) => ['sh', '-c', `echo begins; until [ -e '${file}' ]; do sleep 0.05; done`];
const brief = ({ name, state, attempts }) => [name, state, attempts];
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

test('a call whose connection the network dropped during a freeze is made again at once, and uses up no attempt', async (t) => {
  const peer = await HttpPeer.start(t, [silent, { status: 200 }]);
  const options = [...OPTIONS.options, '--idle-connections', '0ms'];
  const story = await startFunction(t, [{ name: 'tell', attempts: 1, timeout: '50s', http: { url: peer.url() } }], { options });
  await story.call(ANSWER);
  await peer.request();
  await story.lambda.control('freeze?for=3s');
  const thawed = Date.now();
  await story.lambda.entry(({ event, connections }) => event === 'connectionsDropped' && connections === 1);
  const { state, attempts } = await story.outcome('tell');
  assert.deepEqual([state, attempts], ['done', 1]);
  t.diagnostic(`done ${Date.now() - thawed} ms after the thaw`);
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
  const env = { POSTLUDE_CONCURRENCY: '2', POSTLUDE_LOG_LEVEL: 'DEBUG' };
  const story = await startFunction(t, tasks, { ...OPTIONS, env });
  await story.call(ANSWER);
  // An answer that is still on its way over a freeze leaves its attempt uncounted.
  await story.lambda.line((line) => line.includes('attempt ended'), names.length);
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

test('a freeze that ends behind the work deadline: all that is left is carried at once, and the invocation is in time', async (t) => {
  const file = path.join(temporaryFolder(t), 'go');
  const peer = await HttpPeer.start(t, [silent, { status: 200 }]);
  const story = await startFunction(t, [
    { name: 'command', match: once, command: waiting(file) },
    { name: 'call', match: once, attempts: 1, http: { url: peer.url() } },
    { name: 'queued', match: once, command: ['true'] },
  ], { env: { POSTLUDE_CONCURRENCY: '2', POSTLUDE_DEADLINE_MARGIN: '4s' }, options: ['--timeout', '20s'] });
  await story.call(ANSWER, { at: '/once' });
  await story.lambda.line((line) => line === 'begins');
  await peer.request();
  const { deadlineMs } = await story.lambda.event('invokeStart');
  await story.lambda.control(`freeze?for=${Math.round(deadlineMs - 3500 - Date.now())}ms`);
  const first = await story.receipt();
  assert.deepEqual(first.tasks.map(brief), [['command', 'carried', 0], ['call', 'carried', 0], ['queued', 'carried', 0]]);
  const end = await story.lambda.event('invokeEnd');
  assert.equal(end.status, 'success');
  t.diagnostic(`released ${Math.round(deadlineMs - end.ms)} ms before the deadline`);
  assert.ok(end.ms < deadlineMs);
  writeFileSync(file, '');
  assert.equal((await story.call(ANSWER, { at: '/next' })).text, 'answered');
  const second = await story.receipt(2);
  assert.deepEqual(second.tasks.map(brief), [['command', 'done', 1], ['call', 'done', 1], ['queued', 'done', 1]]);
  assert.equal((await story.lambda.event('invokeEnd', 2)).status, 'success');
});

test('a freeze that ends behind the deadline: the platform starts over, and the next generation has the work', async (t) => {
  const file = path.join(temporaryFolder(t), 'go');
  const story = await startFunction(t, [
    { name: 'command', match: once, command: waiting(file) },
    { name: 'once-only', match: once, replay: false, command: waiting(file) },
    { name: 'queued', match: once, command: ['true'] },
  ], { env: { POSTLUDE_CONCURRENCY: '2' }, options: ['--timeout', '3s'] });
  assert.equal((await story.call(ANSWER, { at: '/once' })).text, 'answered');
  await story.lambda.line((line) => line === 'begins', 2);
  const thawed = story.lambda.control('freeze?for=5s');
  assert.equal((await story.lambda.event('reset')).reason, 'TIMEOUT');
  await thawed;
  writeFileSync(file, '');
  assert.equal((await story.call(ANSWER, { at: '/next' })).text, 'answered');
  assert.deepEqual(brief(await story.outcome('once-only')), ['once-only', 'expired', 0]);
  assert.deepEqual(brief(await story.outcome('command')), ['command', 'done', 1]);
  assert.deepEqual(brief(await story.outcome('queued')), ['queued', 'done', 1]);
  assert.equal((await story.lambda.event('invokeEnd', 2)).status, 'success');
  assert.equal((await story.call(ANSWER, { at: '/next' })).text, 'answered');
  assert.equal((await story.lambda.event('invokeEnd', 3)).status, 'success');
});

test('a freeze before the answer that ends behind the deadline: its caller sees the timeout, the next one an answer', async (t) => {
  const gate = path.join(temporaryFolder(t), 'gate');
  execFileSync('mkfifo', [gate]);
  const story = await startFunction(t, [{ name: 'tell', when: 'always', command: ['true'] }], {
    folder: 'shell', runtime: path.join(tests, 'functions', 'shell', 'main'), options: ['--timeout', '3s'],
  });
  const answer = story.invoke(JSON.stringify({ gate }));
  await story.lambda.line((line) => line.startsWith('handler waits'));
  const thawed = story.lambda.control('freeze?for=4s');
  assert.match((await answer).text, /Sandbox\.Timedout/);
  await thawed;
  assert.match((await story.invoke('{}')).text, /answered/);
  assert.equal((await story.outcome('tell')).state, 'done');
  assert.equal((await story.lambda.event('invokeEnd', 2)).status, 'success');
});
