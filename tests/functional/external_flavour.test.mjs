// The external flavour: the platform itself starts extensions/postlude, before the runtime, waits for it in
// every invocation, and gives it a budget of its own when the environment ends.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { arn, AwsPeer, CREDENTIALS, failure, REGION } from './aws_peer.mjs';
import { processOf } from './emulated_processes.mjs';
import { externalLayer, startFunction, temporaryFolder, tests } from './task_story.mjs';

const run = promisify(execFile);
const BUDGET_MS = 2000;
const answer = JSON.stringify({ statusCode: 200, body: 'thanks' });
const start = (t, tasks, settings = {}) => startFunction(t, tasks, { layer: externalLayer, ...settings });
const registered = (story) => story.lambda.event('extensionRegistered');
const receiptsOf = (story) => story.lambda.log.filter((line) => line.startsWith('{"postlude":"receipt"'));
const letters = (sqs) => ({ ...CREDENTIALS, AWS_REGION: REGION, AWS_ENDPOINT_URL: sqs.url, POSTLUDE_DEAD_LETTER: arn('sqs', 'letters') });

function recordsIn(folder) {
  return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.task'));
}

// The environment ended by itself, with everything that was in it.
async function checkEnd(story) {
  const { leftovers, durationMs } = await story.lambda.event('shutdown');
  assert.deepEqual(leftovers, []);
  assert.ok(durationMs < BUDGET_MS, `${durationMs} ms`);
  assert.deepEqual(story.lambda.log.filter((line) => line.includes('Extension.Crash')), []);
}

test('the platform waits for it, and the shim starts no other', async (t) => {
  const story = await start(t, [{ name: 'work', command: ['sh', '-c', 'sleep 0.3; echo worked'] }]);
  const { status, text } = await story.call(answer);
  assert.deepEqual([status, text], [200, 'thanks']);
  assert.deepEqual(story.lambda.log.filter((line) => line === 'worked'), []); // the caller did not wait
  assert.equal((await story.outcome('work')).state, 'done');
  const { extension, kind, events } = await registered(story);
  assert.deepEqual([extension, kind, events], ['postlude', 'external', '[INVOKE,SHUTDOWN]']);
  const { postRuntimeExtensionsMs } = await story.lambda.event('invokeEnd');
  assert.ok(postRuntimeExtensionsMs > 200, `${postRuntimeExtensionsMs} ms`);
  const { pids } = await story.lambda.event('frozen', 2); // the first time was after the init
  const names = pids.map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
  assert.deepEqual(names.filter((name) => name.startsWith('postlude')), ['postlude', 'postlude']);
});

test('tasks see the environment of the function, and what the platform keeps from extensions', async (t) => {
  const names = ['LAMBDA_TASK_ROOT', '_HANDLER', 'AWS_LAMBDA_LOG_STREAM_NAME', 'AWS_EXECUTION_ENV', 'OWN'];
  const script = names.map((name) => `echo "${name}=$${name}"`).join('; ');
  const story = await start(t, [{ name: 'look', command: ['sh', '-c', script] }], { env: { OWN: 'two words' } });
  await story.call(answer);
  await story.receipt();
  const { logStream } = await story.lambda.event('environmentStart');
  const told = Object.fromEntries(story.lambda.log.filter((line) => names.some((name) => line.startsWith(`${name}=`)))
    .map((line) => line.split('=')));
  assert.deepEqual(told, {
    LAMBDA_TASK_ROOT: path.join(tests, 'functions', 'returns'),
    _HANDLER: 'index.handler',
    AWS_LAMBDA_LOG_STREAM_NAME: logStream,
    AWS_EXECUTION_ENV: 'AWS_Lambda_emulated',
    OWN: 'two words',
  });
});

for (const [how, env] of [
  ['disabled', { POSTLUDE_DISABLED: '1' }],
  ['without a wrapper', { AWS_LAMBDA_EXEC_WRAPPER: '' }],
]) {
  test(`${how} it registers for no event, parks, and nobody waits for it`, async (t) => {
    const story = await start(t, [{ name: 'never', command: ['echo', 'ran'] }], { env, options: ['--idle-shutdown', '300ms'] });
    for (const call of [1, 2]) {
      assert.equal((await story.call(answer)).text, 'thanks');
      assert.equal((await story.lambda.event('invokeEnd', call)).status, 'success');
    }
    assert.equal((await registered(story)).events, '[]');
    await checkEnd(story);
    assert.deepEqual(story.lambda.log.filter((line) => line === 'ran'), []);
  });
}

test('under a wrapper that starts no shim, every invocation is released at once', async (t) => {
  const story = await start(t, [{ name: 'never', command: ['echo', 'ran'] }],
    { env: { AWS_LAMBDA_EXEC_WRAPPER: '/usr/bin/env' }, options: ['--idle-shutdown', '300ms'] });
  for (const call of [1, 2, 3]) {
    assert.equal((await story.call(answer)).text, 'thanks');
    assert.equal((await story.lambda.event('invokeEnd', call)).status, 'success');
  }
  assert.equal((await registered(story)).events, '[INVOKE,SHUTDOWN]');
  await checkEnd(story);
  assert.equal((await story.lambda.event('processExited', 2)).how, 'exit status 0');
});

test('where it could not know of the shim, the shim holds the environment for it', async (t) => {
  const folder = temporaryFolder(t);
  copyFileSync(path.join(tests, 'functions', 'shell', 'main'), path.join(folder, 'index.handler'));
  const story = await start(t, [{ name: 'work', command: ['sh', '-c', 'sleep 0.3; echo worked'] }], {
    env: { AWS_LAMBDA_EXEC_WRAPPER: '' }, folder, runtime: 'provided', options: ['--idle-shutdown', '300ms'],
  });
  for (const call of [1, 2]) {
    assert.equal((await story.call(answer)).status, 200);
    assert.equal((await story.outcome('work', call)).state, 'done');
    await story.lambda.line((line) => line.startsWith('END '), call);
    const worked = story.lambda.log.lastIndexOf('worked');
    const end = story.lambda.log.findLastIndex((line) => line.startsWith('END '));
    assert.ok(worked > 0 && worked < end, 'inside the invocation');
  }
  assert.equal((await registered(story)).events, '[]');
  await checkEnd(story);
});

test('at a shutdown the runtime ends at once, and the extension spills within its own budget', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', failure('AccessDenied', 403));
  const story = await start(t, [1, 2, 3].map((n) => ({ name: `task-${n}`, command: ['sh', '-c', `exit ${n}`] })),
    { env: letters(sqs), options: ['--idle-shutdown', '300ms'] });
  await story.call(answer);
  assert.deepEqual((await story.receipt()).tasks.map(({ state }) => state), ['carried', 'carried', 'carried']);
  // Slower than an internal extension may be.
  sqs.answerWith(() => new Promise((resolve) => setTimeout(resolve, 900, { status: 200, body: '{}' })));
  const last = await story.receipt(2);
  assert.deepEqual(last.tasks.map(({ state }) => state), ['spilled', 'spilled', 'spilled']);
  await checkEnd(story);
  const runtime = await story.lambda.event('processExited');
  assert.equal(runtime.process, 'runtime');
  assert.ok(runtime.ms - (await story.lambda.event('shutdownBegin')).ms < 900, 'it waited for the extension');
  const extension = await story.lambda.event('processExited', 2);
  assert.deepEqual([extension.process, extension.how], ['postlude', 'exit status 0']);
});

test('a dead letter that never answers costs no more than the budget, and the reason is said', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', failure('AccessDenied', 403));
  const story = await start(t, [{ name: 'lost', command: ['sh', '-c', 'exit 3'] }],
    { env: letters(sqs), options: ['--idle-shutdown', '300ms'] });
  await story.call(answer);
  await story.receipt();
  sqs.answerWith(() => new Promise(() => {}));
  const { tasks } = await story.receipt(2);
  assert.deepEqual(tasks.map(({ state, why }) => [state, why]), [['failed', 'dead letter: it did not answer in time']]);
  await checkEnd(story);
  assert.equal((await story.lambda.event('processExited', 2)).how, 'exit status 0');
});

test('a command that runs at the shutdown is ended with all it started, and its task expires', async (t) => {
  const story = await start(t, [{ name: 'endless', command: ['sh', '-c', '(setsid sleep 1000 &); echo runs; sleep 1000'] }]);
  await story.call(answer);
  await story.lambda.line((line) => line === 'runs');
  await story.lambda.stop();
  assert.deepEqual((await story.lambda.event('shutdown')).leftovers, []);
  const { tasks } = await story.receipt();
  assert.deepEqual(tasks.map(({ state, why }) => [state, why]), [['expired', 'the environment ended']]);
});

// A command that is cut when it runs first, and whose task is done when it runs again.
const onceCut = (t) => {
  const mark = path.join(temporaryFolder(t), 'mark');
  return { name: 'work', command: ['sh', '-c', `[ ! -e ${mark} ] || exit 0; touch ${mark}; echo runs; sleep 1000`] };
};

for (const [who, nth, receiptsBefore] of [['it', 1, 0], ['the shim', 2, 1]]) {
  test(`when ${who} is killed the environment is reset, and the next generation goes on from the journal`, async (t) => {
    const story = await start(t, [onceCut(t)]);
    const call = story.call(answer);
    await story.lambda.line((line) => line === 'runs');
    const victim = await story.lambda.event('processStarted', nth);
    assert.equal(victim.process, nth === 1 ? 'postlude' : 'runtime');
    process.kill(victim.pid, 'SIGKILL');
    assert.equal((await call).text, 'thanks');
    const { reason, leftovers, durationMs } = await story.lambda.event('reset');
    assert.deepEqual([reason, leftovers], ['FAILURE', []]);
    assert.ok(durationMs < BUDGET_MS, `${durationMs} ms`);
    assert.equal(recordsIn(story.spool).length, 1);
    // An extension that lives on says what became of the attempt, and that it does not count.
    const carried = receiptsOf(story).map((line) => JSON.parse(line));
    assert.deepEqual(carried.map(({ tasks }) => [tasks[0].state, tasks[0].attempts]), Array(receiptsBefore).fill(['carried', 0]));
    assert.equal((await story.call(answer)).text, 'thanks');
    const { tasks } = await story.receipt(receiptsBefore + 1);
    assert.deepEqual(tasks.map(({ state, attempts }) => [state, attempts]), [['done', 1], ['done', 1]]);
    await story.lambda.event('invokeEnd', 2); // records go when the receipt is out
    assert.deepEqual(recordsIn(story.spool), []);
  });
}

test('a runtime that dies behind its answer: its tasks end first, then the environment', async (t) => {
  const story = await start(t, [{ name: 'work', command: ['sh', '-c', 'echo runs; sleep 0.5'] }]);
  const call = story.call(answer);
  await story.lambda.line((line) => line === 'runs');
  process.kill(processOf(story.lambda.pid, 'node'), 'SIGKILL');
  assert.equal((await story.outcome('work')).state, 'done');
  assert.equal((await call).text, 'thanks');
  assert.equal((await story.lambda.event('reset')).reason, 'FAILURE');
  assert.equal((await story.lambda.event('processExited', 2)).how, 'exit status 0');
  assert.deepEqual(recordsIn(story.spool), []);
});

test('after a timeout what is carried stays in the journal for the next generation', async (t) => {
  const story = await start(t, [onceCut(t)],
    { folder: 'late', options: ['--timeout', '2s'] });
  assert.equal((await story.call('{}')).status, 200);
  assert.equal((await story.receipt()).tasks[0].state, 'carried');
  const timedOut = story.call('{"ms": 60000}');
  const { reason, durationMs } = await story.lambda.event('reset');
  assert.equal(reason, 'TIMEOUT');
  assert.ok(durationMs < BUDGET_MS, `${durationMs} ms`);
  assert.equal((await timedOut).status, 502);
  assert.equal(recordsIn(story.spool).length, 1);
  assert.equal(receiptsOf(story).length, 1);
  assert.equal((await story.lambda.event('processExited', 2)).how, 'exit status 0');
  assert.equal((await story.call('{}')).status, 200);
  assert.deepEqual((await story.receipt(2)).tasks.map(({ state }) => state), ['done', 'done']);
});

// What a shim does that finds no extension of its own, on a machine where only this one waits.
// The platform ends an init, and with it the extension, after 10 s.
const knockAt = async (api) => {
  const script = 'import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.settimeout(5); ' +
    's.connect(chr(0) + "postlude-external-" + sys.argv[1]); print(s.recv(1))';
  return (await run('python3', ['-c', script, api])).stdout.trim();
};

test('a shim of another environment is turned away, and its own is let in', async (t) => {
  const folder = temporaryFolder(t);
  const [wrapper, gate] = ['wrapper', 'gate'].map((name) => path.join(folder, name));
  await run('mkfifo', [gate]);
  writeFileSync(wrapper, `#!/bin/sh\nread -r word <'${gate}'\nexec '${path.join(externalLayer, 'postlude')}' "$@"\n`, { mode: 0o755 });
  const story = await start(t, [{ name: 'work', command: ['true'] }], { env: { AWS_LAMBDA_EXEC_WRAPPER: wrapper } });
  const { pid, process: name } = await story.lambda.event('processStarted');
  assert.equal(name, 'postlude');
  await registered(story);
  const [, api] = readFileSync(`/proc/${pid}/environ`, 'utf8').match(/(?:^|\0)AWS_LAMBDA_RUNTIME_API=([^\0]+)/);
  assert.equal(await knockAt(api), "b''");
  writeFileSync(gate, 'go\n');
  assert.equal((await story.call(answer)).text, 'thanks');
  assert.equal((await story.outcome('work')).state, 'done');
});

test('two environments on one machine keep to themselves', async (t) => {
  const stories = await Promise.all(['one', 'two'].map((word) =>
    start(t, [{ name: word, command: ['sh', '-c', `sleep 0.2; echo ${word} $OWN`] }], { env: { OWN: word } })));
  await Promise.all(stories.map((story) => story.call(answer)));
  const receipts = await Promise.all(stories.map((story) => story.receipt()));
  assert.deepEqual(receipts.map(({ tasks }) => tasks.map(({ name, state }) => [name, state])), [[['one', 'done']], [['two', 'done']]]);
  for (const [index, word] of ['one', 'two'].entries()) {
    assert.deepEqual(stories[index].lambda.log.filter((line) => /^(one|two) /.test(line)), [`${word} ${word}`]);
  }
});
