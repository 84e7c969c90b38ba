// Handler tasks: the function's own handler is called again, after the answer, in the same runtime.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startFunction } from './task_story.mjs';

const start = (t, tasks, options = {}) => startFunction(t, tasks, { folder: 'reentered', ...options });
const ask = (wish) => JSON.stringify(wish);
const ofKind = (key) => (line) => line.startsWith(`{"${key}":`);

async function told(story, key, nth = 1) {
  return JSON.parse(await story.lambda.line(ofKind(key), nth));
}

test('the handler gets the task document, under a request id of its own', async (t) => {
  const story = await start(t, [{ name: 'again', handler: {} }]);
  const answer = await story.call(ask({ again: 'ok' }), { at: '/orders?x=1' });
  assert.equal(answer.status, 200);
  assert.equal(answer.text, 'answered');
  const receipt = await story.receipt();
  const { began, event, invokedFunctionArn, clientContext, left } = await told(story, 'began');
  assert.deepEqual(receipt.handlerRequestIds, [began]);
  assert.notEqual(began, receipt.requestId);
  assert.match(began, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(receipt.tasks[0].state, 'done');
  assert.match(invokedFunctionArn, /^arn:aws:lambda:.*:function:function/);
  assert.deepEqual(clientContext.custom, {
    'postlude.task': 'again',
    'postlude.attempt': '1',
    'postlude.requestId': receipt.requestId,
  });
  const document = event.postlude;
  assert.deepEqual(Object.keys(document).sort(), [
    'attempt', 'deadlineMs', 'error', 'event', 'functionArn', 'id', 'payload', 'requestId', 'response', 'task',
    'tenantId', 'traceId', 'truncated',
  ]);
  assert.equal(document.id, `${receipt.requestId}/again/1`);
  assert.equal(document.event.rawPath, '/orders');
  assert.equal(document.response.body, 'answered');
  assert.ok(left > 0 && left <= 29_500, `${left} ms`);
  const end = await story.lambda.event('invokeEnd');
  assert.equal(end.status, 'success');
});

test('"event" is what the handler gets, its templates resolved', async (t) => {
  const story = await start(t, [
    { name: 'again', handler: { event: { again: { again: 'ok' }, path: '${request.path}', all: '${event.headers}' } } },
  ]);
  await story.call(ask({}), { at: '/a/b', headers: { 'x-mark': '"quoted"' } });
  const { event } = await told(story, 'began');
  assert.equal(event.path, '/a/b');
  assert.equal(event.all['x-mark'], '"quoted"');
  assert.equal((await story.outcome('again')).state, 'done');
});

test('an error is a failed attempt, and the next one follows in the same invocation', async (t) => {
  const story = await start(t, [{ name: 'again', attempts: 3, backoff: '20ms', handler: {} }]);
  await story.call(ask({ again: 'throw' }));
  const task = await story.outcome('again');
  assert.equal(task.state, 'failed');
  assert.equal(task.attempts, 3);
  assert.equal(task.why, 'the handler failed: TypeError');
  const receipt = await story.receipt();
  assert.equal(new Set(receipt.handlerRequestIds).size, 3);
  assert.equal((await told(story, 'began', 3)).clientContext.custom['postlude.attempt'], '3');
});

test('handler tasks run one at a time, beside others', async (t) => {
  const names = ['first', 'second', 'third'];
  const story = await start(t, [
    ...names.map((name) => ({ name, handler: {} })),
    { name: 'beside', command: ['true'] },
  ]);
  await story.call(ask({ again: 'sleep', ms: 100 }));
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map((task) => task.state), ['done', 'done', 'done', 'done']);
  let free = 0;
  for (const nth of [1, 2, 3]) {
    const began = await told(story, 'began', nth);
    const ended = await told(story, 'ended', nth);
    assert.equal(began.began, receipt.handlerRequestIds[nth - 1]);
    assert.equal(ended.ended, began.began);
    assert.ok(began.at >= free);
    free = ended.at;
  }
});

test('at its time an attempt is settled, its late result counts for nothing, the next caller is served', async (t) => {
  const story = await start(t, [{ name: 'again', timeout: '300ms', handler: {}, match: { 'request.path': '/slow' } }]);
  const first = await story.call(ask({ again: 'sleep', ms: 1500 }), { at: '/slow' });
  assert.equal(first.text, 'answered');
  const second = await story.call(ask({}));
  assert.equal(second.text, 'answered');
  const task = await story.outcome('again');
  assert.equal(task.state, 'failed');
  assert.equal(task.why, 'timed out after 300 ms');
  const ended = await told(story, 'ended');
  const began = await told(story, 'began');
  assert.ok(ended.at - began.at >= 1490, 'nobody interrupts a handler');
  const ends = story.lambda.log.filter((line) => line.startsWith('{"postlude":"receipt"'));
  assert.equal(ends.length, 1);
});

test('a runtime that dies in a handler task: the caller has its answer, the platform sees the death', async (t) => {
  const story = await start(t, [{ name: 'again', handler: {}, match: { 'request.path': '/die' } }]);
  const answer = await story.call(ask({ again: 'exit' }), { at: '/die' });
  assert.equal(answer.status, 200);
  assert.equal(answer.text, 'answered');
  const task = await story.outcome('again');
  assert.equal(task.state, 'failed');
  assert.equal(task.why, 'the runtime ended in the middle of it');
  const end = await story.lambda.event('invokeEnd');
  assert.notEqual(end.status, 'success');
  assert.ok(await story.lambda.line((line) => line.includes('exit status 3')));
  const next = await story.call(ask({}));
  assert.equal(next.text, 'answered');
});

test('a handler task may defer, to a depth of 8', async (t) => {
  const story = await start(t, [{ name: 'again', handler: {} }]);
  await story.call(ask({ again: 'defer' }));
  const receipt = await story.receipt();
  assert.equal(receipt.tasks.length, 8);
  assert.ok(receipt.tasks.every((task) => task.state === 'done'));
  const deepest = await told(story, 'deferred', 8);
  assert.equal(deepest.deferred, 8);
  assert.equal(deepest.status, 413);
  assert.equal(deepest.error.type, 'TooDeep');
  // Deferred under the id of the attempt that did it.
  assert.equal(receipt.tasks[1].id, `${receipt.handlerRequestIds[0]}/deeper/1`);
});

test('with a concurrency of 1 tasks of all kinds run in their order', async (t) => {
  const story = await start(
    t,
    [
      { name: 'one', command: ['sh', '-c', 'sleep 0.2; echo one'] },
      { name: 'two', handler: {} },
      { name: 'three', command: ['sh', '-c', 'echo three'] },
    ],
    { env: { POSTLUDE_CONCURRENCY: '1' } },
  );
  await story.call(ask({ again: 'ok' }));
  await story.receipt();
  const order = story.lambda.log.filter((line) => /^one$|^three$|^\{"(began|ended)"/.test(line));
  assert.deepEqual(order.map((line) => line.slice(0, 8)), ['one', '{"began"', '{"ended"', 'three']);
});
