// Early answers: the function answers over the local API while its handler works on. The platform
// sees one answer, whoever gives it and in whatever order.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertSameBytes, bytes, chunk, exchange, pattern } from './bytes.mjs';
import { quietTime } from './patience.mjs';
import { answer, eventMessage, kAccepted, kRuntimePath, nextRequest, postMessage, responseMessage } from './platform.mjs';
import { checkAlive, startConnected, startInvocation, whileStopped } from './scene.mjs';
import { sanitized } from './shim.mjs';

const kError = '{"errorType":"Oops"}';

function early(id, body, headers = ['Content-Type: application/json']) {
  const head = [`POST /postlude/v1/invocations/${id}/response HTTP/1.1`, 'Host: 127.0.0.1:9', ...headers];
  return Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`, 'latin1'),
    Buffer.from(body),
  ]);
}

function errorMessage(id) {
  return postMessage(`invocation/${id}/error`, kError, ['Lambda-Runtime-Function-Error-Type: Function.Oops']);
}

async function readMessage(wire) {
  const head = (await wire.readHead()).toString('latin1');
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  return { head, status: Number(head.split(' ')[1]), body: (await wire.read(length)).toString('latin1') };
}

async function errorOf(wire, status) {
  const message = await readMessage(wire);
  assert.equal(message.status, status, message.head);
  return JSON.parse(message.body).error;
}

// The runtime has its event; `call` is the function's own connection.
async function startCall(t) {
  const started = await startInvocation(t);
  return { ...started, call: await started.shim.runtime(t) };
}

async function answerEarly({ platform, call }, body = '{"early":true}') {
  await call.send(early('id', body));
  const up = await platform.connection();
  const message = await readMessage(up);
  assert.equal(message.body, body);
  await up.send(kAccepted);
  assert.equal((await readMessage(call)).status, 202);
  return message;
}

test('an early answer goes up under the Runtime API and its 202 comes back', async (t) => {
  const scene = await startCall(t);
  const { head } = await answerEarly(scene);
  assert.ok(head.startsWith(`POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\n`), head);
  assert.match(head, /^Content-Type: application\/json\r$/m);
  assert.match(head, /^Host: 127\.0\.0\.1:9\r$/m);
  await checkAlive(t, scene.shim, scene.platform);
});

test('what the runtime answers afterwards is acknowledged here and never goes up', async (t) => {
  for (const second of [responseMessage('id', pattern(1_000_000)), errorMessage('id')]) {
    const scene = await startCall(t);
    await answerEarly(scene);
    await scene.runtime.send(second);
    assertSameBytes(await scene.runtime.read(kAccepted.length), kAccepted);
    // The next thing that goes up is the poll, on the connection of the event.
    await exchange(scene.platform, scene.runtime, nextRequest(), eventMessage('id-2', '{}'), scene.upstream);
    assert.equal(scene.platform.waitingConnections, 0);
    await scene.shim.kill();
  }
});

test('a late error is logged, and the receipt names it', async (t) => {
  const scene = await startCall(t);
  await answerEarly(scene);
  await exchangeHere(scene.runtime, errorMessage('id'));
  await scene.runtime.send(nextRequest());
  await scene.shim.logged(/"level":"ERROR".*error after the answer: Function\.Oops.*"requestId":"id"/);
  await scene.shim.logged(/"postlude":"receipt".*"requestId":"id".*"lateErrorType":"Function\.Oops"/);
});

async function exchangeHere(runtime, request) {
  await runtime.send(request);
  assertSameBytes(await runtime.read(kAccepted.length), kAccepted);
}

for (const id of ['id', 'current']) {
  test(`the invocation may be called "${id}", until the runtime asks for its next event`, async (t) => {
    const { platform, runtime, upstream, call } = await startCall(t);
    await call.send(early(id, '1'));
    const up = await platform.connection();
    assert.match((await readMessage(up)).head, /invocation\/id\/response/);
    await up.send(kAccepted);
    assert.equal((await readMessage(call)).status, 202);
    await call.send(early(id, '2'));
    assert.equal((await errorOf(call, 409)).type, 'AlreadyAnswered');
    await runtime.send(nextRequest());
    await upstream.read(nextRequest().length);
    await call.send(early(id, '3'));
    assert.equal((await errorOf(call, 404)).type, 'UnknownInvocation');
    assert.equal(platform.waitingConnections, 0);
  });
}

test('an unknown invocation is refused, with its body swallowed', async (t) => {
  const { platform, runtime } = await startConnected(t);
  await runtime.send(early('nobody', pattern(200_000)));
  const error = await errorOf(runtime, 404);
  assert.equal(error.type, 'UnknownInvocation');
  assert.match(error.message, /nobody/);
  await runtime.send(early('current', '1'));
  await errorOf(runtime, 404);
  assert.equal(platform.waitingConnections, 0);
  await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'));
});

test('"current" is nobody with two invocations in flight', async (t) => {
  const { platform, shim, runtime } = await startInvocation(t);
  const other = await shim.runtime(t);
  await exchange(platform, other, nextRequest(), eventMessage('id-2', '{}'));
  const call = await shim.runtime(t);
  // The second poll closed nothing: the first invocation has no answer yet.
  await call.send(early('current', '1'));
  assert.equal((await errorOf(call, 409)).type, 'SeveralInvocations');
  await runtime.send(responseMessage('id', '1'));
});

test('a stream goes up as it comes, with its trailers', async (t) => {
  const { platform, call } = await startCall(t);
  const head =
    'POST /postlude/v1/invocations/id/response HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n' +
    'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n' +
    'Trailer: Lambda-Runtime-Function-Error-Type\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n';
  await call.send(head);
  assert.match((await call.readHead()).toString(), /^HTTP\/1\.1 100 /);
  const up = await platform.connection();
  const seen = (await up.readHead()).toString();
  assert.match(seen, /^Lambda-Runtime-Function-Response-Mode: streaming\r$/m);
  assert.match(seen, /^Transfer-Encoding: chunked\r$/m);
  assert.match(seen, /^Trailer: Lambda-Runtime-Function-Error-Type\r$/m);
  assert.doesNotMatch(seen, /^(Connection|Expect):/m);
  for (const piece of ['a', 'second', 'third']) {
    await call.send(chunk(piece));
    assertSameBytes(await up.read(chunk(piece).length), chunk(piece));
  }
  const end = bytes('0\r\nLambda-Runtime-Function-Error-Type: Function.Oops\r\n\r\n');
  await call.send(end);
  assertSameBytes(await up.read(end.length), end);
  await up.send(kAccepted);
  assert.equal((await readMessage(call)).status, 202);
});

test('an answer of six megabytes passes whole', async (t) => {
  const { platform, call } = await startCall(t);
  const body = pattern(6_000_000);
  const sending = call.send(early('id', body));
  const up = await platform.connection();
  await up.readHead();
  assertSameBytes(await up.read(body.length), body);
  await sending;
  await up.send(kAccepted);
  assert.equal((await readMessage(call)).status, 202);
});

test('the platform gets its own invocation id back', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}', { headers: ['Lambda-Runtime-Invocation-Id: attempt-7'] }));
  const call = await shim.runtime(t);
  await call.send(early('id', '1'));
  const up = await platform.connection();
  assert.match((await up.readHead()).toString(), /^Lambda-Runtime-Invocation-Id: attempt-7\r$/m);
});

test('the runtime\'s answer waits while an early one is under way', async (t) => {
  const { platform, runtime, upstream, call } = await startCall(t);
  const whole = early('id', pattern(300_000));
  await call.send(whole.subarray(0, 200_000));
  const up = await platform.connection();
  await up.readHead();
  await runtime.send(responseMessage('id', '"mine"'));
  await quietTime();
  assert.equal(upstream.buffered, 0, 'a second answer went up');
  await call.send(whole.subarray(200_000));
  await up.read(300_000);
  await up.send(kAccepted);
  assert.equal((await readMessage(call)).status, 202);
  assertSameBytes(await runtime.read(kAccepted.length), kAccepted);
  assert.equal(upstream.buffered, 0);
});

test('an early answer waits while the runtime\'s is under way, then it is refused', async (t) => {
  const { platform, runtime, upstream, call } = await startCall(t);
  const response = responseMessage('id', '"mine"');
  await runtime.send(response);
  await upstream.read(response.length);
  await call.send(early('id', '"early"'));
  await quietTime();
  assert.equal(platform.waitingConnections, 0);
  await upstream.send(kAccepted);
  await runtime.read(kAccepted.length);
  assert.equal((await errorOf(call, 409)).type, 'AlreadyAnswered');
  assert.equal(platform.waitingConnections, 0);
});

for (const [status, told] of [['413 Too Large', 413], ['410 Gone', 404]]) {
  test(`an early answer that gets ${status} is settled: the function is told ${told}, the runtime's is discarded`, async (t) => {
    const { platform, runtime, upstream, call } = await startCall(t);
    await call.send(early('id', '"early"'));
    const up = await platform.connection();
    await readMessage(up);
    await up.send(answer(status, '{"errorType":"X"}'));
    await errorOf(call, told);
    await exchangeHere(runtime, responseMessage('id', '"mine"'));
    assert.equal(upstream.buffered, 0);
  });
}

for (const [status, told] of [['400 Bad Request', 400], ['500 Internal Server Error', 503]]) {
  test(`an early answer that is refused with ${status} gives way to the runtime's`, async (t) => {
    const { platform, runtime, upstream, call } = await startCall(t);
    await call.send(early('id', '"early"'));
    const up = await platform.connection();
    await readMessage(up);
    const response = responseMessage('id', '"mine"');
    await runtime.send(response);
    await up.send(answer(status, '{"errorType":"X"}'));
    await errorOf(call, told);
    assertSameBytes(await upstream.read(response.length), response);
    await upstream.send(kAccepted);
    assertSameBytes(await runtime.read(kAccepted.length), kAccepted);
  });
}

test('an early answer whose platform connection breaks gives way, and the function is told', async (t) => {
  const { platform, runtime, upstream, call } = await startCall(t);
  await call.send(early('id', '"early"'));
  const up = await platform.connection();
  await readMessage(up);
  up.reset();
  assert.equal((await errorOf(call, 503)).type, 'PlatformUnavailable');
  const response = responseMessage('id', '"mine"');
  await exchange(platform, runtime, response, kAccepted, upstream);
});

test('a client that hangs up before its small answer is whole leaves no trace', async (t) => {
  for (const leave of ['finish', 'reset']) {
    const { platform, shim, runtime, upstream, call } = await startCall(t);
    const whole = early('id', pattern(1000));
    await call.send(whole.subarray(0, 600));
    await quietTime();
    call[leave]();
    await quietTime();
    assert.equal(platform.waitingConnections, 0, 'a part of it went up');
    await exchange(platform, runtime, responseMessage('id', '"mine"'), kAccepted, upstream);
    await shim.kill();
  }
});

test('a client that hangs up after a part went up cuts the answer, and the runtime\'s is discarded', async (t) => {
  const { platform, runtime, upstream, call } = await startCall(t);
  const whole = early('id', pattern(1_000_000));
  await call.send(whole.subarray(0, 500_000));
  const up = await platform.connection();
  await up.readHead();
  await call.finish();
  assert.equal((await up.readToEnd()).ending, 'fin');
  up.close();
  await exchangeHere(runtime, responseMessage('id', '"mine"'));
  assert.equal(upstream.buffered, 0);
});

test('a client that does not wait for the word of the platform changes nothing', async (t) => {
  const { platform, runtime, upstream, call } = await startCall(t);
  await call.send(early('id', '"early"'));
  const up = await platform.connection();
  await readMessage(up);
  call.close();
  await quietTime();
  await up.send(kAccepted);
  await exchangeHere(runtime, responseMessage('id', '"mine"'));
  assert.equal(upstream.buffered, 0);
});

test('a poll waits while an early answer is under way', async (t) => {
  const { platform, runtime, upstream, call } = await startCall(t);
  await call.send(early('id', '"early"'));
  const up = await platform.connection();
  await readMessage(up);
  await runtime.send(nextRequest());
  await quietTime();
  assert.equal(upstream.buffered, 0, 'the poll went up before the answer was taken');
  await up.send(kAccepted);
  assert.equal((await readMessage(call)).status, 202);
  assertSameBytes(await upstream.read(nextRequest().length), nextRequest());
});

test('a freeze between the early answer and the end of the handler changes nothing', async (t) => {
  const scene = await startCall(t);
  await answerEarly(scene);
  await whileStopped(scene.shim, async () => {
    await scene.runtime.send(responseMessage('id', '"mine"'));
    scene.call.close();
  });
  assertSameBytes(await scene.runtime.read(kAccepted.length), kAccepted);
  await exchange(scene.platform, scene.runtime, nextRequest(), eventMessage('id-2', '{}'), scene.upstream);
  assert.equal(scene.platform.waitingConnections, 0);
});

test('two early answers at once: one is taken, the other refused', async (t) => {
  const { platform, shim, call } = await startCall(t);
  const other = await shim.runtime(t);
  await call.send(early('id', '"one"'));
  const up = await platform.connection();
  assert.equal((await readMessage(up)).body, '"one"');
  await other.send(early('id', '"two"'));
  await quietTime();
  assert.equal(platform.waitingConnections, 0);
  await up.send(kAccepted);
  assert.equal((await readMessage(call)).status, 202);
  await errorOf(other, 409);
});

test('an early answer over HTTP/1.0, and one that closes its connection', async (t) => {
  for (const [version, header] of [['1.0', ''], ['1.1', 'Connection: close\r\n']]) {
    const { platform, shim, call } = await startCall(t);
    await call.send(`POST /postlude/v1/invocations/id/response HTTP/${version}\r\n${header}Content-Length: 1\r\n\r\n1`);
    const up = await platform.connection();
    const { head } = await readMessage(up);
    assert.match(head, /response HTTP\/1\.1\r\n/);
    assert.match(head, /^Host: /m);
    await up.send(kAccepted);
    const { ending, rest } = await call.readToEnd();
    assert.equal(ending, 'fin');
    assert.match(rest.toString(), /^HTTP\/1\.1 202 /);
    await shim.kill();
  }
});

test('without an extension nothing is deferred, and the function is told so', async (t) => {
  const { call, platform } = await startCall(t);
  const body = '{"command":["true"]}';
  await call.send(`POST /postlude/v1/invocations/current/tasks HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const error = await errorOf(call, 503);
  assert.equal(error.type, 'ExtensionUnavailable');
  assert.match(error.message, /nothing was kept/);
  await call.send('GET /postlude/v1/invocations/id HTTP/1.1\r\n\r\n');
  const message = await readMessage(call);
  assert.equal(message.status, 200);
  const { requestId, responded, tasks } = JSON.parse(message.body);
  assert.deepEqual({ requestId, responded, tasks }, { requestId: 'id', responded: false, tasks: [] });
  assert.equal(platform.waitingConnections, 0);
});

test('a deferral that never ends is refused without being kept', async (t) => {
  const { call, shim, platform } = await startCall(t);
  const before = shim.peakMemory();
  const size = 40_000_000;
  await call.send(`POST /postlude/v1/invocations/id/tasks HTTP/1.1\r\nContent-Length: ${size}\r\n\r\n`);
  await call.send(pattern(size));
  assert.equal((await errorOf(call, 413)).type, 'PayloadTooLarge');
  const growth = shim.peakMemory() - before;
  assert.ok(sanitized || growth < 8 * 1024, `${growth} KiB`);
  await checkAlive(t, shim, platform);
});

test('a question whose asker is gone disturbs nobody', async (t) => {
  const { call, shim, platform } = await startCall(t);
  await call.send('GET /postlude/v1/invocations/id HTTP/1.1\r\n\r\n');
  call.reset();
  await checkAlive(t, shim, platform);
});
