// Handler tasks as the runtime's socket sees them: events of ours for its poll, and its answers.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { bytes, exchange, pattern } from './bytes.mjs';
import { quietTime } from './patience.mjs';
import { eventMessage, kAccepted, kRuntimePath, nextRequest, postMessage, responseMessage } from './platform.mjs';
import { park, startShim, whileStopped } from './scene.mjs';
import { folder, realLayer } from './shim.mjs';

// Later than any story's patience: what is held until then fails it.
const kDeadlineMs = 300_000;

// An invocation `id` was answered; the runtime has not polled yet.
async function startAnswered(t, { task = {}, before = [], env = {}, body = '{"a":1}' } = {}) {
  const tasks = [...before, { name: 'again', handler: {}, timeout: '1m', ...task }];
  const { platform, shim } = await startShim(t, {
    env: { POSTLUDE_TASKS: JSON.stringify(tasks), ...env },
    layer: realLayer,
  });
  const runtime = await shim.runtime(t);
  const event = eventMessage('id', body, { deadlineMs: Date.now() + kDeadlineMs });
  const upstream = await exchange(platform, runtime, nextRequest(), event);
  await exchange(platform, runtime, responseMessage('id', '"ok"'), kAccepted, upstream);
  return { platform, shim, runtime, upstream };
}

async function readMessage(wire) {
  const head = (await wire.readHead()).toString('latin1');
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return { head, body: await wire.read(length) };
}

// The event of an attempt, read from a connection that polled.
async function readAttempt(wire) {
  const { head, body } = await readMessage(wire);
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  return { id: /^Lambda-Runtime-Aws-Request-Id: (\S+)\r$/im.exec(head)[1], body };
}

async function post(wire, message, status = /^HTTP\/1\.1 202 /) {
  await wire.send(message);
  assert.match((await readMessage(wire)).head, status);
}

async function receipt(shim) {
  await shim.logged(/"postlude":"receipt"/);
  return shim.logLines().find((line) => line.postlude === 'receipt');
}

test('an attempt comes to the poll, its answer stays here, and the next poll goes up', async (t) => {
  const { platform, shim, runtime, upstream } = await startAnswered(t);
  await runtime.send(nextRequest());
  const { id, body } = await readAttempt(runtime);
  assert.deepEqual(JSON.parse(body).postlude.event, { a: 1 });
  await post(runtime, responseMessage(id, '"again"'));
  await park(platform, runtime, upstream);
  const { tasks, handlerRequestIds } = await receipt(shim);
  assert.deepEqual(tasks.map(({ state, attempts }) => ({ state, attempts })), [{ state: 'done', attempts: 1 }]);
  assert.deepEqual(handlerRequestIds, [id]);
});

test('an attempt that cannot begin lets the poll go up at once', async (t) => {
  const { platform, shim, runtime, upstream } = await startAnswered(t, {
    task: { handler: { event: '${event.missing}' } },
  });
  await park(platform, runtime, upstream);
  const [task] = (await receipt(shim)).tasks;
  assert.equal(task.state, 'failed');
  assert.match(task.why, /event\.missing/);
});

test('an event of 6 MB reaches a runtime that reads late, whole', async (t) => {
  const text = pattern(4 << 20).toString('base64'); // 5.6 MB
  const { platform, runtime, upstream } = await startAnswered(t, { body: JSON.stringify(text) });
  await runtime.send(nextRequest());
  runtime.pause();
  await quietTime(300);
  runtime.resume();
  const { id, body } = await readAttempt(runtime);
  assert.equal(JSON.parse(body).postlude.event, text);
  await post(runtime, responseMessage(id, '1'));
  await park(platform, runtime, upstream);
});

test('a runtime that closes its own side while it reads gets the whole event, and its next poll goes up', async (t) => {
  const text = pattern(4 << 20).toString('base64');
  const { platform, shim, runtime } = await startAnswered(t, { body: JSON.stringify(text) });
  runtime.pause();
  await runtime.send(nextRequest());
  await quietTime(300); // its event has begun, and waits
  await runtime.finish();
  await quietTime(100);
  runtime.resume();
  const { id, body } = await readAttempt(runtime);
  assert.equal(JSON.parse(body).postlude.event, text);
  assert.equal((await runtime.readToEnd()).ending, 'fin');
  const again = await shim.runtime(t);
  await post(again, responseMessage(id, '1'));
  await park(platform, again);
});

test('a runtime that hangs up in its event has failed the attempt, and polls again', async (t) => {
  const text = pattern(4 << 20).toString('base64');
  const { platform, shim, runtime } = await startAnswered(t, { body: JSON.stringify(text) });
  runtime.pause();
  await runtime.send(nextRequest());
  await quietTime(300);
  runtime.close();
  await park(platform, await shim.runtime(t));
  const [task] = (await receipt(shim)).tasks;
  assert.equal(task.state, 'failed');
  assert.match(task.why, /without an answer/);
});

// With a concurrency of 1 the handler task waits until a command ends, and so does the poll: until
// `open` is called.
async function startBehindGate(t) {
  const gate = path.join(fs.mkdtempSync(path.join(folder, 'gate-')), 'fifo');
  execFileSync('mkfifo', [gate]);
  const started = await startAnswered(t, {
    env: { POSTLUDE_CONCURRENCY: '1', GATE: gate },
    before: [{ name: 'first', command: ['sh', '-c', 'echo "first waits as $$"; exec cat "$GATE"'] }],
  });
  await started.runtime.send(nextRequest());
  await started.shim.logged(/first waits as/);
  await quietTime(100);
  assert.equal(started.runtime.buffered, 0);
  return { ...started, open: () => fs.promises.writeFile(gate, '') };
}

test('a runtime that gives up its poll gets the attempt on its next one, once', async (t) => {
  const { platform, shim, runtime, open } = await startBehindGate(t);
  runtime.close();
  const again = await shim.runtime(t);
  await again.send(nextRequest());
  await open();
  const { id } = await readAttempt(again);
  await post(again, responseMessage(id, '1'));
  await park(platform, again);
  const { tasks, handlerRequestIds } = await receipt(shim);
  assert.deepEqual(tasks.map(({ name, state }) => [name, state]), [['first', 'done'], ['again', 'done']]);
  assert.deepEqual(handlerRequestIds, [id]);
});

// The runtime's poll, which was held, gets the attempt of the successor, and then goes up.
async function checkReplaced({ platform, shim, runtime, upstream }, names) {
  const { id } = await readAttempt(runtime);
  await post(runtime, responseMessage(id, '1'));
  await park(platform, runtime, upstream);
  const { tasks } = await receipt(shim);
  assert.deepEqual(tasks.map(({ name, state }) => [name, state]), names.map((name) => [name, 'done']));
}

test('an extension that dies while the runtime waits for handler tasks is replaced, and the poll stays held', async (t) => {
  const started = await startBehindGate(t);
  const [, cut] = /first waits as (\d+)/.exec(started.shim.stdout);
  process.kill(started.shim.extension(), 'SIGKILL');
  await started.shim.logged(/the extension ended .* is replaced/);
  await started.shim.logged(new RegExp(`first waits as (?!${cut}\\b)`));
  assert.equal(started.runtime.buffered, 0);
  await started.open();
  await checkReplaced(started, ['first', 'again']);
});

test('an extension that is found dead by the word of the poll is replaced all the same', async (t) => {
  const started = await startAnswered(t);
  await whileStopped(started.shim, async () => {
    await started.runtime.send(nextRequest());
    process.kill(started.shim.extension(), 'SIGKILL');
    await quietTime(50);
  });
  await checkReplaced(started, ['again']);
});

test('a client of HTTP/1.0 gets its event and the end of the connection', async (t) => {
  const { platform, shim } = await startAnswered(t);
  const old = await shim.runtime(t);
  await old.send(`GET ${kRuntimePath}invocation/next HTTP/1.0\r\n\r\n`);
  const { id } = await readAttempt(old);
  assert.equal((await old.readToEnd()).ending, 'fin');
  const again = await shim.runtime(t);
  await post(again, responseMessage(id, '1'));
  await park(platform, again);
});

test('answers and polls may be pipelined', async (t) => {
  const { runtime, upstream } = await startAnswered(t);
  await runtime.send(bytes(nextRequest() + 'GET /postlude/v1/health HTTP/1.1\r\n\r\n'));
  const { id } = await readAttempt(runtime);
  assert.match((await readMessage(runtime)).body.toString(), /"status":"ok"/);
  await runtime.send(Buffer.concat([responseMessage(id, '1'), bytes(nextRequest())]));
  assert.match((await readMessage(runtime)).head, /^HTTP\/1\.1 202 /);
  assert.equal((await upstream.read(nextRequest().length)).toString(), nextRequest());
});

test('100-continue is answered for an answer, and nothing comes before the head of an event', async (t) => {
  const { platform, runtime, upstream } = await startAnswered(t);
  await runtime.send(nextRequest().replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
  const { id } = await readAttempt(runtime);
  const answer = responseMessage(id, '123', ['Expect: 100-continue']);
  await runtime.send(answer.subarray(0, -3));
  assert.match((await runtime.readHead()).toString(), /^HTTP\/1\.1 100 /);
  await post(runtime, '123');
  await park(platform, runtime, upstream);
});

test('an error whose type is in its body only is named in the receipt', async (t) => {
  const { platform, shim, runtime, upstream } = await startAnswered(t);
  await runtime.send(nextRequest());
  const { id } = await readAttempt(runtime);
  await post(runtime, postMessage(`invocation/${id}/error`, '{"errorType":"Native.Oops"}'));
  await park(platform, runtime, upstream);
  assert.match((await receipt(shim)).tasks[0].why, /Native\.Oops/);
});

test('of two answers to an attempt the first one counts, and neither goes up', async (t) => {
  const { platform, shim, runtime, upstream } = await startAnswered(t);
  await runtime.send(nextRequest());
  const { id } = await readAttempt(runtime);
  const early = await shim.runtime(t);
  const first = postMessage('x', '"early"').toString().replace(`${kRuntimePath}x`, '/postlude/v1/invocations/current/response');
  await early.send(first.slice(0, -3));
  await quietTime(50);
  await runtime.send(postMessage(`invocation/${id}/error`, '{}', ['Lambda-Runtime-Function-Error-Type: Late']));
  await quietTime(100);
  assert.equal(runtime.buffered, 0, 'the second answer was taken before the first was whole');
  await early.send(first.slice(-3));
  assert.match((await readMessage(early)).head, /^HTTP\/1\.1 202 /);
  assert.match((await readMessage(runtime)).head, /^HTTP\/1\.1 202 /);
  await park(platform, runtime, upstream);
  assert.equal((await receipt(shim)).tasks[0].state, 'done');
});
