// What the local Lambda draws of each invocation, on a terminal or where it is asked to.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startFunction } from './task_story.mjs';

const answer = JSON.stringify({ statusCode: 200, body: 'thanks' });
const TASKS = [
  { name: 'mail', command: ['sh', '-c', 'sleep 0.2'] },
  { name: 'audit', command: ['sh', '-c', 'exit 3'] },
];

test('a bar to scale for init, handler and tasks, behind the report', async (t) => {
  const story = await startFunction(t, TASKS, { options: ['--timeline'] });
  await story.call(answer);
  const released = await story.lambda.line((line) => line.startsWith('  released '));
  const { log } = story.lambda;
  const drawn = log.slice(log.findIndex((line) => line.startsWith('REPORT ')) + 1, log.indexOf(released) + 1);
  const labels = drawn.map((line) => line.trim().split(' ')[0]);
  assert.deepEqual(labels, ['handler', 'mail', 'audit', 'released']);
  const [handler, mail, audit, release] = drawn;
  assert.match(handler, / [\d.]+ ms, then the answer$/);
  assert.match(mail, / 2\d\d ms, done$/);
  assert.match(audit, / [\d.]+ ms, failed: exit status 3$/);
  assert.match(release, / [23]\d\d ms after the answer$/);
  const length = (row) => /[=-]+/.exec(row)[0].length;
  assert.ok(length(mail) > 25 && length(audit) < 10, drawn.join('\n'));
  await story.call(answer);
  const again = await story.lambda.line((line) => line.startsWith('  released '), 2);
  assert.ok(!log.slice(log.indexOf(released) + 1, log.lastIndexOf(again)).some((line) => line.startsWith('  init ')));
});

test('a cold start begins with its init', async (t) => {
  const story = await startFunction(t, null, { folder: 'late', options: ['--timeline', '--max-environments', '2'] });
  await Promise.all([1, 2].map(() => story.call('{"ms": 300}'))); // one environment is there, one is not
  await story.lambda.line((line) => line.startsWith('  released '), 2);
  const inits = story.lambda.log.filter((line) => line.startsWith('  init '));
  assert.equal(inits.length, 1);
  assert.match(inits[0], /^ {2}init {6}=+ +\d+ ms$/);
});

test('where nobody looks nothing is drawn', async (t) => {
  const story = await startFunction(t, TASKS);
  await story.call(answer);
  await story.lambda.event('invokeEnd');
  await story.lambda.stop();
  assert.deepEqual(story.lambda.log.filter((line) => line.startsWith('  released ')), []);
});
