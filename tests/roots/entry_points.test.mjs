// The ways into a function beside the exec wrapper: OS-only runtimes, container images, and no Lambda at all.
import assert from 'node:assert/strict';
import { copyFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { emptyRoot, runInside, startInside } from './empty_root.mjs';

const task = [{ name: 'after', command: ['./task', 'ran'] }];

async function checkFunction(story, servesAs) {
  await story.said(`function: serves as ${servesAs}`);
  for (const nth of [1, 2]) {
    assert.equal((await story.moves('early,answer')).text, '"early"');
    assert.deepEqual((await story.receipt(nth)).tasks.map(({ name, state }) => [name, state]), [['after', 'done']]);
  }
  assert.equal(story.lambda.entries(({ event }) => event === 'environmentStart').length, 1);
}

test('OS-only: /opt/bootstrap runs the program that the handler names', async (t) => {
  const root = emptyRoot(t);
  assert.equal(readlinkSync(path.join(root, 'opt/bootstrap')), 'postlude');
  const story = await startInside(t, task, { root, runtime: 'provided' });
  await checkFunction(story, 'index.handler ,');
});

test('OS-only: a bootstrap of the package puts Postlude in front of its program', async (t) => {
  const bootstrap = '#!/bin/sh\nexec /opt/postlude "$LAMBDA_TASK_ROOT/main"\n';
  const root = emptyRoot(t, { files: { 'var/task/bootstrap': bootstrap, 'bin/sh': '' } });
  copyFileSync('/bin/busybox', path.join(root, 'bin/sh'));
  const story = await startInside(t, task, { root, runtime: 'provided' });
  await checkFunction(story, 'main ,');
});

for (const flavour of ['', 'external-']) {
  test(`a container image with the ${flavour || 'default-'}layer's folder copied to /opt`, async (t) => {
    const root = emptyRoot(t, { flavour, copied: true });
    const story = await startInside(t, task, {
      root, runtime: '/opt/postlude /var/runtime/bootstrap', layer: flavour ? '/opt' : '/var/runtime', env: { AWS_LAMBDA_EXEC_WRAPPER: '' },
    });
    await checkFunction(story, 'bootstrap index.handler');
  });
}

test('an image that is started by hand runs its command, after one warning', (t) => {
  const { status, stdout, stderr } = runInside(emptyRoot(t, { copied: true }), ['/opt/postlude', '/var/task/main', 'on', 'my', 'machine']);
  const [warning, ...rest] = stdout.trimEnd().split('\n');
  const { level, message } = JSON.parse(warning);
  assert.equal(level, 'WARN');
  assert.match(message, /^AWS_LAMBDA_RUNTIME_API is not set/);
  assert.deepEqual(rest, ['function: on my machine, ADDED=, POSTLUDE_API=']);
  assert.deepEqual([status, stderr], [3, '']);
});

test('the program answers for itself', (t) => {
  const root = emptyRoot(t, { files: { 'tmp/tasks.json': '[{"name": "a", "comand": ["x"]}]' } });
  assert.match(runInside(root, ['/opt/postlude', '--version']).stdout, /^postlude \d+\.\d+\.\d+\n$/);
  const { status, stdout } = runInside(root, ['/opt/postlude', '--check', '/tmp/tasks.json']);
  assert.equal(status, 1);
  assert.match(stdout, /^\/tmp\/tasks.json:1:\d+: unknown key "comand", did you mean "command"\?/);
});
