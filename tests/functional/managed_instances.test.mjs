// Managed Instances: invocations overlap in one environment, workers poll before their handlers are done, no
// INVOKE event, no freeze.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { externalLayer, startFunction, tests } from './task_story.mjs';

const runtime = `${process.execPath} ${path.join(tests, 'functional', 'overlapping_runtime.mjs')}`;
const start = (t, tasks, { options = [], ...settings } = {}) =>
  startFunction(t, tasks, { runtime, options: ['--managed-instances', '4', ...options], ...settings });
const receiptsOf = (story) => story.lambda.log.filter((line) => line.startsWith('{"postlude":"receipt"')).map((line) => JSON.parse(line));

test('tasks of invocations that overlap run in the time of their own', async (t) => {
  const story = await start(t, [{ name: 'slow', match: { 'event.name': 'slow' }, command: ['sh', '-c', 'sleep 1; echo slow ran'] },
    { name: 'fast', match: { 'event.name': 'fast' }, command: ['sh', '-c', 'echo fast ran'] }], { env: { WORKERS: '3' } });
  const answers = await Promise.all(['slow', 'fast'].map((name) => story.invoke(JSON.stringify({ name, ms: 200 }))));
  assert.deepEqual(answers.map(({ text }) => JSON.parse(text).answered), ['slow', 'fast']);
  await story.outcome('slow');
  const [first, second] = receiptsOf(story);
  assert.deepEqual([first.tasks[0].name, second.tasks[0].name], ['fast', 'slow']); // it waited for nobody
  assert.notEqual(first.requestId, second.requestId);
  assert.deepEqual([first, second].map(({ tasks }) => tasks.map(({ state }) => state)), [['done'], ['done']]);
});

for (const [flavour, layer, events] of [['default', undefined, '[]'], ['external', externalLayer, '[SHUTDOWN]']]) {
  test(`the ${flavour} flavour asks for no INVOKE, and its tasks end with the environment`, async (t) => {
    const story = await start(t, [{ name: 'endless', command: ['sh', '-c', 'echo runs; sleep 1000'] }], { layer });
    assert.equal((await story.lambda.event('extensionRegistered')).events, events);
    assert.equal((await story.invoke('{"name":"a"}')).status, 200);
    await story.lambda.line((line) => line === 'runs');
    // Nothing is held: others are served meanwhile.
    assert.equal((await story.invoke('{"name":"b"}')).status, 200);
    await story.lambda.line((line) => line === 'runs', 2);
    await story.lambda.stop();
    assert.deepEqual(receiptsOf(story).flatMap(({ tasks }) => tasks).map(({ state, why }) => [state, why]),
      [['expired', 'the environment ended'], ['expired', 'the environment ended']]);
    assert.deepEqual((await story.lambda.event('shutdown')).leftovers, []);
  });
}

test('what a handler defers behind its answer runs at once, in a receipt of its own', async (t) => {
  const story = await start(t, [{ name: 'usual', command: ['true'] }]);
  const later = { payload: 1, name: 'late', command: ['sh', '-c', 'echo late ran'] };
  assert.equal((await story.invoke(JSON.stringify({ later, wait: 300 }))).status, 200);
  assert.equal((await story.outcome('late')).state, 'done');
  // Its own line may come behind those of the work.
  assert.equal(await story.lambda.line((line) => line.startsWith('later ')), 'later 202');
  const receipts = receiptsOf(story);
  assert.deepEqual(receipts.map(({ tasks }) => tasks.map(({ name }) => name)), [['usual'], ['late']]);
  assert.equal(receipts[0].requestId, receipts[1].requestId);
});

test('a handler task is given to a worker that asks for its next event', async (t) => {
  const story = await start(t, [{ name: 'again', match: { 'event.name': 'a' }, handler: {} }], { env: { WORKERS: '2' } });
  assert.equal((await story.invoke('{"name":"a","ms":100}')).status, 200);
  // All workers wait at the platform; the next one that comes back takes it.
  assert.equal((await story.invoke('{"name":"b"}')).status, 200);
  assert.equal((await story.outcome('again')).state, 'done');
  assert.deepEqual(story.lambda.log.filter((line) => line.startsWith('again ')), ['again again']);
  assert.equal((await story.invoke('{"name":"c"}')).status, 200);
});
