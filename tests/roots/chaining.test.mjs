// Postlude beside others that want to stand in front of the runtime: wrappers, and proxies of the Runtime API.
import assert from 'node:assert/strict';
import test from 'node:test';
import { emptyRoot, startInside } from './empty_root.mjs';

const COMMAND = '/var/runtime/bootstrap index.handler';
const task = [{ name: 'after', command: ['./task', 'ran'] }];
const REGISTER = 'POST /2020-01-01/extension/register';
const NEXT = 'GET /2018-06-01/runtime/invocation/next';

// What that proxy saw, once each.
const seen = (story, name) => new Set(story.lambda.log
  .filter((line) => line.startsWith(`${name} saw `)).map((line) => line.slice(`${name} saw `.length)));

async function check(story, states = ['done']) {
  for (const nth of [1, 2]) {
    const { text } = await story.moves('early,answer');
    assert.equal(text, '"early"');
    assert.deepEqual((await story.receipt(nth)).tasks.map(({ state }) => state), states);
  }
  assert.equal(story.lambda.entries(({ event }) => event === 'reset').length, 0);
}

test('POSTLUDE_EXEC_WRAPPER gets the runtime\'s command, and its own say in the environment', async (t) => {
  const story = await startInside(t, task, { root: emptyRoot(t), env: { POSTLUDE_EXEC_WRAPPER: '/var/task/wrapper' } });
  await story.said(`wrapper: ${COMMAND}`);
  await story.said('function: serves as bootstrap index.handler, ADDED=by-wrapper');
  await check(story);
  await story.said('task: after ran with its document, ADDED='); // a task's environment is the configured one
});

for (const flavour of ['', 'external-']) {
  test(`another proxy between Postlude (${flavour || 'default-'}layer) and the runtime sees the runtime's calls alone`, async (t) => {
    const story = await startInside(t, task, { root: emptyRoot(t, { flavour }), env: { POSTLUDE_EXEC_WRAPPER: '/var/task/inner' } });
    await story.said(`inner: ${COMMAND}`);
    await check(story);
    assert.ok(seen(story, 'inner').has(NEXT));
    assert.deepEqual([...seen(story, 'inner')].filter((call) => call.includes('/extension/')), []);
    const { kind } = await story.lambda.event('extensionRegistered');
    assert.equal(kind, flavour ? 'external' : 'internal');
  });

  test(`another proxy before Postlude (${flavour || 'default-'}layer) sees what Postlude asks of the platform`, async (t) => {
    const story = await startInside(t, task, { root: emptyRoot(t, { flavour }), env: { AWS_LAMBDA_EXEC_WRAPPER: '/var/task/outer' } });
    await story.said(`outer: ${COMMAND}`);
    await check(story);
    assert.ok(seen(story, 'outer').has(NEXT));
    // An external extension is started by the platform, with the platform's own address.
    assert.equal(seen(story, 'outer').has(REGISTER), flavour === '');
  });
}

test('behind a proxy that knows nothing of extensions tasks are run all the same', async (t) => {
  const story = await startInside(t, task, { root: emptyRoot(t), env: { AWS_LAMBDA_EXEC_WRAPPER: '/var/task/narrow' } });
  await check(story);
  assert.ok(seen(story, 'narrow').has(REGISTER));
  assert.deepEqual(story.lambda.entries(({ event }) => event === 'extensionRegistered'), []);
});
