// Deferred work and the deadline of its invocation: whatever hangs, the platform never has to time it out.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { arn, AwsPeer, CREDENTIALS, failure, REGION } from './aws_peer.mjs';
import { HttpPeer } from './http_peer.mjs';
import { NameServer } from './name_server.mjs';
import { sanitized, startFunction, temporaryFolder, withoutMounts } from './task_story.mjs';

const TAKEN = { status: 200, body: '{}' };
const ANSWER = JSON.stringify({ statusCode: 200, body: 'answered' });
const silent = () => {};
const never = () => new Promise(() => {});
const STUBBORN = ['sh', '-c', 'trap "" TERM; (setsid sleep 1000 &); sleep 1000; sleep 1000'];
const once = { 'request.path': '/once' };
const brief = ({ name, state, why }) => [name, state, why ?? null];

const withDeadLetter = (sqs, env = {}) => ({
  ...CREDENTIALS, AWS_REGION: REGION, AWS_ENDPOINT_URL: sqs.url, POSTLUDE_DEAD_LETTER: arn('sqs', 'letters'), ...env,
});

// The nth invocation ended by itself; how long before its deadline.
async function timeLeft(story, nth = 1) {
  const { deadlineMs, requestId } = await story.lambda.event('invokeStart', nth);
  const end = await story.lambda.event('invokeEnd', nth);
  assert.equal(end.requestId, requestId);
  assert.equal(end.status, 'success');
  assert.ok(end.ms < deadlineMs, `${end.ms - deadlineMs} ms late`);
  return deadlineMs - end.ms;
}

test('a margin in which nothing can be ended is made longer, and the invocation is in time', async (t) => {
  const story = await startFunction(t, [{ name: 'stubborn', match: once, command: STUBBORN }], {
    env: { POSTLUDE_DEADLINE_MARGIN: '1ms' }, options: ['--timeout', '2s'],
  });
  await story.call(ANSWER, { at: '/once' });
  const { state, why } = await story.outcome('stubborn');
  assert.deepEqual([state, why], ['carried', 'cut by the deadline']);
  t.diagnostic(`released ${await timeLeft(story)} ms before the deadline`);
  assert.match(await story.lambda.line((line) => line.includes('POSTLUDE_DEADLINE_MARGIN')), /1ms are too short/);
});

test('commands, calls and the look-up of a name that hang: all are carried in time', { skip: withoutMounts }, async (t) => {
  const peer = await HttpPeer.start(t, [silent]);
  const names = await NameServer.start(t, () => null);
  const story = await startFunction(t, [
    { name: 'command', match: once, command: STUBBORN },
    { name: 'call', match: once, http: { url: peer.url() } },
    { name: 'lookup', match: once, http: { url: 'https://hangs.example/' } },
    { name: 'send', match: once, send: { to: arn('sqs', 'work') } },
    { name: 'queued', match: once, command: ['true'] },
  ], {
    env: { ...CREDENTIALS, AWS_REGION: REGION, AWS_ENDPOINT_URL: 'https://hangs.example' },
    options: ['--timeout', '2s'], within: names.within(),
  });
  await story.call(ANSWER, { at: '/once' });
  const { tasks } = await story.receipt();
  assert.deepEqual(tasks.map(({ name, state }) => [name, state]), ['command', 'call', 'lookup', 'send', 'queued'].map((name) => [name, 'carried']));
  t.diagnostic(`released ${await timeLeft(story)} ms before the deadline`);
});

test('a dead letter that does not answer: the work is carried in time and says so', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', never);
  const tasks = Array.from({ length: 6 }, (_, n) => ({ name: `stubborn-${n}`, match: once, command: STUBBORN }));
  const story = await startFunction(t, tasks, { env: withDeadLetter(sqs), options: ['--timeout', '3s'] });
  await story.call(ANSWER, { at: '/once' });
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(({ state, why }) => [state, why]), Array(6).fill(['carried', 'dead letter: it did not answer in time']));
  t.diagnostic(`released ${await timeLeft(story)} ms before the deadline`);
});

test('connections to the dead letter stand before the deadline, and each spill is one request on them', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', TAKEN);
  const connected = [];
  sqs.onConnection(() => connected.push(Date.now()));
  const tasks = ['a', 'b'].map((name) => ({ name, match: once, command: ['sleep', '1000'] }));
  const story = await startFunction(t, tasks, { env: withDeadLetter(sqs), options: ['--timeout', '3s'] });
  await story.call(ANSWER, { at: '/once' });
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(brief), ['a', 'b'].map((name) => [name, 'spilled', 'cut by the deadline']));
  assert.equal(connected.length, 2);
  const { deadlineMs } = await story.lambda.event('invokeStart');
  for (const at of connected) {
    t.diagnostic(`connected ${deadlineMs - at} ms before the deadline`);
    assert.ok(deadlineMs - at <= 1000 + 20, 'not before deadline - 2 x margin');
    assert.ok(deadlineMs - at > 500, 'before the work is stopped');
  }
  await timeLeft(story);
});

test('an extension that took the place of another one has the time to spill, too', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', () => new Promise((resolve) => { setTimeout(resolve, 150, TAKEN); }));
  const flag = path.join(temporaryFolder(t), 'killed');
  const killer = ['sh', '-c', 'test -e "$FLAG" || { touch "$FLAG"; kill -9 $PPID; }; sleep 1000'];
  const story = await startFunction(t, [{ name: 'killer', match: once, command: killer }], {
    env: withDeadLetter(sqs, { FLAG: flag }), options: ['--timeout', '3s'],
  });
  await story.call(ANSWER, { at: '/once' });
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(brief), [['killer', 'spilled', 'cut by the deadline']]);
  await timeLeft(story);
});

test('what is done in time needs no dead letter, and the connection made for it goes', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', TAKEN);
  let connections = 0;
  sqs.onConnection(() => (connections += 1));
  const tasks = [{ name: 'slow', match: once, command: ['sleep', '2.2'] }];
  const story = await startFunction(t, tasks, { env: withDeadLetter(sqs), options: ['--timeout', '3s'] });
  await story.call(ANSWER, { at: '/once' });
  assert.equal((await story.outcome('slow')).state, 'done');
  assert.ok(await timeLeft(story) > 500);
  await story.lambda.event('frozen');
  await sqs.idle();
  assert.equal(connections, 1);
  assert.equal(sqs.requests.length, 0);
});

test('a dead letter whose host fails three times in a row is left alone, but for a probe', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', failure('InternalFailure', 500));
  const names = ['a', 'b', 'c', 'd', 'e'];
  const tasks = names.map((name) => ({ name, match: once, command: ['sh', '-c', 'exit 1'] }));
  const story = await startFunction(t, tasks, { env: withDeadLetter(sqs, { POSTLUDE_CONCURRENCY: '1' }) });
  await story.call(ANSWER, { at: '/once' });
  const first = await story.receipt();
  assert.deepEqual(first.tasks.map(({ state }) => state), Array(5).fill('carried'));
  const asked = sqs.requests.length;
  assert.ok(asked >= 3, `${asked} requests`);
  sqs.answerWith(TAKEN);
  await story.call(ANSWER, { at: '/later' });
  const second = await story.receipt(2);
  for (const { state, why } of second.tasks) {
    assert.equal(state, 'carried');
    assert.match(why, /^dead letter: 127\.0\.0\.1:\d+ failed \d times in a row: sqs SendMessage: 500/);
  }
  assert.equal(sqs.requests.length, asked, 'nobody asked it');
  const end = await story.lambda.event('invokeEnd', 2);
  assert.equal(end.status, 'success');
  assert.ok(end.durationMs < (sanitized ? 5000 : 1500), `${end.durationMs} ms`);
});

// One environment: a call whose work takes longer than its timeout allows, then one in which that work is done.
async function carryOver(t, timeout) {
  const file = path.join(temporaryFolder(t), 'go');
  const peer = await HttpPeer.start(t, [silent, { status: 200 }]);
  const story = await startFunction(t, [
    { name: 'command', match: once, command: ['sh', '-c', `until [ -e '${file}' ]; do sleep 0.02; done`] },
    { name: 'call', match: once, http: { url: peer.url() } },
  ], { options: ['--timeout', `${timeout}ms`] });
  await story.lambda.event('frozen');
  const first = await story.call(ANSWER, { at: '/once' });
  const left = await timeLeft(story);
  assert.equal(first.text, 'answered');
  const carried = await story.receipt();
  assert.deepEqual(carried.tasks.map(({ name, state, attempts }) => [name, state, attempts]), [['command', 'carried', 0], ['call', 'carried', 0]]);
  writeFileSync(file, '');
  const second = await story.call(ANSWER, { at: '/next' });
  await timeLeft(story, 2);
  assert.equal(second.text, 'answered');
  const done = await story.receipt(2);
  assert.deepEqual(done.tasks.map(({ name, state, attempts }) => [name, state, attempts]), [['command', 'done', 1], ['call', 'done', 1]]);
  await story.lambda.stop();
  return left;
}

// A machine that is busy with other things may need as long for nothing at all: some more tries are fair, and a product that is
// late fails all of them.
const TRIES = { 1000: 2, 500: 3, 200: 6, 100: 6 };
for (const [timeout, tries] of Object.entries(TRIES)) {
  test(`a timeout of ${timeout} ms: the caller is answered, the invocation is in time, the work is done in the next one`, { skip: sanitized }, async (t) => {
    for (let nth = 1; ; nth += 1) {
      try {
        t.diagnostic(`released ${(await carryOver(t, timeout)).toFixed(1)} ms before the deadline, in try ${nth}`);
        return;
      } catch (error) {
        if (!(error instanceof assert.AssertionError) || nth === tries) throw error;
        t.diagnostic(error.message.split('\n')[0]);
      }
    }
  });
}
