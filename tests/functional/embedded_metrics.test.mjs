// POSTLUDE_METRICS=emf: what CloudWatch reads in the log of a function.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { extracted, isMetricLine } from './embedded_metrics.mjs';
import { externalLayer, startFunction, temporaryFolder, tests } from './task_story.mjs';

const METRICS = { POSTLUDE_METRICS: 'emf' };
const answer = JSON.stringify({ statusCode: 200, body: 'thanks' });
const reported = async (story, nth = 1) => extracted(await story.lambda.line(isMetricLine, nth));
// The values of metrics that are single numbers.
const numbers = ({ metrics }) => Object.fromEntries(Object.entries(metrics).map(([name, [value]]) => [name, value]));
const counts = (line) => Object.fromEntries(Object.entries(numbers(line)).filter(([name]) => !name.endsWith('Time')));

test('an answer and its tasks, by function and by name', async (t) => {
  const story = await startFunction(t, [
    { name: 'mail', command: ['sh', '-c', 'sleep 0.05'] },
    { name: 'audit', command: ['sh', '-c', 'exit 3'] },
  ], { env: METRICS });
  assert.equal((await story.call(answer)).status, 200);
  const receipt = await story.receipt();
  const [whole, audit, mail] = [await reported(story), await reported(story, 2), await reported(story, 3)];
  assert.deepEqual(whole.dimensions, { FunctionName: 'function' });
  assert.deepEqual(counts(whole), {
    ResponseErrors: 0, LateErrors: 0, TasksAccepted: 2, TasksDone: 1, TasksFailed: 1, TasksSpilled: 0, TasksExpired: 0,
    TasksDropped: 0, TasksCarried: 0,
  });
  assert.deepEqual([whole.metrics.ResponseTime, whole.metrics.HeldTime], [[receipt.responseMs], [receipt.heldMs]]);
  const ms = Object.fromEntries(receipt.tasks.map((task) => [task.name, task.ms]));
  assert.ok(ms.mail >= 50);
  assert.deepEqual(audit, { requestId: receipt.requestId, dimensions: { FunctionName: 'function', TaskName: 'audit' }, metrics: { TaskDuration: [ms.audit] } });
  assert.deepEqual(mail, { requestId: receipt.requestId, dimensions: { FunctionName: 'function', TaskName: 'mail' }, metrics: { TaskDuration: [ms.mail] } });
});

for (const [flavour, layer] of [['default', undefined], ['external', externalLayer]]) {
  test(`every answer counts, also without tasks (${flavour} flavour)`, async (t) => {
    const story = await startFunction(t, null, { env: METRICS, layer });
    for (const nth of [1, 2, 3]) {
      assert.equal((await story.call(answer)).status, 200);
      const line = await reported(story, nth);
      assert.deepEqual(counts(line), { ResponseErrors: 0, LateErrors: 0 });
      assert.ok(numbers(line).ResponseTime < 1000);
      assert.equal((await story.lambda.event('invokeEnd', nth)).requestId, line.requestId);
    }
    await story.lambda.stop();
    assert.equal(story.lambda.log.filter(isMetricLine).length, 3);
    assert.equal(story.lambda.log.filter((line) => line.includes('"receipt"')).length, 0);
  });
}

test('nothing of it unless it is asked for', async (t) => {
  const story = await startFunction(t, [{ name: 'work', command: ['true'] }]);
  await story.call(answer);
  await story.receipt();
  await story.lambda.stop();
  assert.deepEqual(story.lambda.log.filter(isMetricLine), []);
});

test('an answer that is an error, and an error behind an answer', async (t) => {
  const failing = await startFunction(t, null, { folder: 'failing', env: METRICS });
  await failing.invoke('{"how": "throw"}');
  assert.deepEqual(counts(await reported(failing)), { ResponseErrors: 1, LateErrors: 0 });
  const late = await startFunction(t, null, { folder: 'shell', runtime: 'provided.al2023', options: ['--handler', 'main'], env: METRICS });
  assert.match((await late.invoke('{"late": true}')).text, /answered/);
  assert.deepEqual(counts(await reported(late)), { ResponseErrors: 0, LateErrors: 1 });
});

test('a task that is carried is accepted once, and each invocation tells of its share', async (t) => {
  const mark = path.join(temporaryFolder(t), 'mark');
  const once = `[ ! -e ${mark} ] || exit 0; touch ${mark}; sleep 1000`; // cut in its first invocation
  const story = await startFunction(t, [{ name: 'slow', command: ['sh', '-c', once] }], { env: METRICS, options: ['--timeout', '2s'] });
  await story.call(answer);
  const { TasksAccepted, TasksDone, TasksCarried } = numbers(await reported(story));
  assert.deepEqual({ TasksAccepted, TasksDone, TasksCarried }, { TasksAccepted: 1, TasksDone: 0, TasksCarried: 1 });
  assert.ok(numbers(await reported(story, 2)).TaskDuration > 1000);
  await story.call(answer);
  const second = numbers(await reported(story, 3));
  assert.deepEqual([second.TasksAccepted, second.TasksDone, second.TasksCarried], [1, 2, 0]);
  assert.equal((await reported(story, 4)).metrics.TaskDuration.length, 2);
});

test('invocations that overlap: each answer counts once, whatever its handler defers behind it', async (t) => {
  const runtime = `${process.execPath} ${path.join(tests, 'functional', 'overlapping_runtime.mjs')}`;
  const story = await startFunction(t, [{ name: 'usual', command: ['true'] }],
    { runtime, options: ['--managed-instances', '4'], env: METRICS });
  const later = { payload: 1, name: 'late', command: ['true'] };
  assert.equal((await story.invoke(JSON.stringify({ later, wait: 300 }))).status, 200);
  await story.outcome('late');
  await story.lambda.line((line) => isMetricLine(line) && line.includes('"TaskName":"late"'));
  const lines = story.lambda.log.filter(isMetricLine).map(extracted);
  assert.equal(new Set(lines.map(({ requestId }) => requestId)).size, 1);
  const total = (name) => lines.flatMap(({ metrics }) => metrics[name] ?? []);
  assert.equal(total('ResponseTime').length, 1);
  assert.deepEqual([total('TasksAccepted'), total('TasksDone')], [[1, 1], [1, 1]]);
});
