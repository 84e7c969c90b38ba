// Connections that end when nobody asked for it: each side learns what it would have learnt without
// us, and nothing that arrived whole is lost.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertSameBytes, bytes, exchange, pattern } from './bytes.mjs';
import { quietTime } from './patience.mjs';
import { answer, eventMessage, kAccepted, kRuntimePath, nextRequest, responseMessage } from './platform.mjs';
import { checkAlive, park, startConnected, startInvocation, whileStopped } from './scene.mjs';

const kStreamHead = `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;

test('a platform that resets in the middle of a response resets the runtime', async (t) => {
  const { platform, shim, runtime, upstream } = await startInvocation(t);
  await runtime.send(bytes(`${kStreamHead}5\r\nhello\r\n`));
  await upstream.read(kStreamHead.length + 10);
  upstream.reset();
  assert.equal((await runtime.readToEnd()).ending, 'reset');
  await checkAlive(t, shim, platform);
});

test('a platform that closes in the middle of an event leaves the runtime with a cut event', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  const event = eventMessage('id', pattern(100_000));
  await upstream.send(event.subarray(0, 50_000));
  await upstream.finish();
  const { ending, rest } = await runtime.readToEnd();
  assert.equal(ending, 'fin');
  assertSameBytes(rest, event.subarray(0, 50_000));
  await checkAlive(t, shim, platform);
});

test('a platform that closes in the middle of a head leaves the runtime with half a head', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  await upstream.send('HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-');
  await upstream.finish();
  const { ending, rest } = await runtime.readToEnd();
  assert.equal(ending, 'fin');
  assertSameBytes(rest, 'HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-');
});

test('a platform that resets in the middle of an event resets the runtime', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  await upstream.send(eventMessage('id', pattern(1000)).subarray(0, 500));
  await runtime.read(500);
  upstream.reset();
  assert.equal((await runtime.readToEnd()).ending, 'reset');
});

for (const [how, part] of [
  ['in a chunked body', `${kStreamHead}5\r\nhello\r\n`],
  ['in a chunk', `${kStreamHead}5\r\nhel`],
  ['in a chunk size line', `${kStreamHead}5\r\nhello\r\n1`],
  ['in the trailers', `${kStreamHead}0\r\nLambda-Runtime-Function-Error-`],
  ['in a sized body', `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nContent-Length: 100\r\n\r\nhello`],
  ['in a head', `POST ${kRuntimePath}invocation/id/response HT`],
]) {
  test(`a runtime that closes ${how} is seen as a cut by the platform`, async (t) => {
    const { platform, shim, runtime, upstream } = await startInvocation(t);
    await runtime.send(part);
    await runtime.finish();
    const { ending, rest } = await upstream.readToEnd();
    assert.equal(ending, 'fin');
    assertSameBytes(rest, how === 'in a head' ? rest : part);
    // The platform's word on it passes, if the runtime still listens.
    if (how !== 'in a head') {
      const verdict = answer('400 Bad Request', '{"errorType":"TruncatedHTTPRequest"}');
      await upstream.send(verdict);
      assertSameBytes(await runtime.read(verdict.length), verdict);
    }
    await upstream.finish();
    assert.equal((await runtime.readToEnd()).ending, 'fin');
    await checkAlive(t, shim, platform);
  });
}

test('a runtime that resets in the middle of a response resets the platform', async (t) => {
  const { platform, shim, runtime, upstream } = await startInvocation(t);
  await runtime.send(`${kStreamHead}5\r\nhello\r\n`);
  await upstream.read(kStreamHead.length + 10);
  runtime.reset();
  assert.equal((await upstream.readToEnd()).ending, 'reset');
  await checkAlive(t, shim, platform);
});

test('a runtime that resets while its event is delivered resets the platform', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  runtime.pause();
  upstream.socket.write(eventMessage('id', pattern(30_000_000)));
  await quietTime();
  runtime.reset();
  assert.equal((await upstream.readToEnd()).ending, 'reset');
  await checkAlive(t, shim, platform);
});

test('a runtime that closes while its event is delivered ends the delivery', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  const event = eventMessage('id', pattern(30_000_000));
  upstream.socket.write(event.subarray(0, 1000));
  await runtime.read(500);
  runtime.close();
  upstream.socket.write(event.subarray(1000));
  assert.notEqual((await upstream.readToEnd()).ending, null);
  await checkAlive(t, shim, platform);
});

test('a runtime that resets while its answer is being acknowledged leaves the platform undisturbed', async (t) => {
  const { platform, shim, runtime, upstream } = await startInvocation(t);
  const response = responseMessage('id', '1');
  await runtime.send(response);
  assertSameBytes(await upstream.read(response.length), response);
  runtime.reset();
  await checkAlive(t, shim, platform);
  assert.equal(upstream.ending, null);
  await upstream.send(kAccepted);
  assert.equal((await upstream.readToEnd()).ending, 'fin');
});

test('a runtime that closes only its sending side still gets its answer', async (t) => {
  const { platform, shim, runtime, upstream } = await startInvocation(t);
  const response = responseMessage('id', '1');
  await runtime.send(response);
  await runtime.finish();
  assertSameBytes(await upstream.read(response.length), response);
  await upstream.send(kAccepted);
  assertSameBytes(await runtime.read(kAccepted.length), kAccepted);
  assert.equal((await runtime.readToEnd()).ending, 'fin');
  await checkAlive(t, shim, platform);
});

test('an early 413 with a closed connection is not lost', async (t) => {
  for (let round = 0; round < 10; round += 1) {
    const { platform, shim, runtime, upstream } = await startInvocation(t);
    const tooLarge = answer('413 Request Entity Too Large', '{"errorType":"RequestEntityTooLarge"}\n', ['Connection: close']);
    runtime.socket.write(responseMessage('id', pattern(20_000_000)));
    await upstream.readHead(); // before that nothing can be answered
    upstream.pause();
    await quietTime(round * 5);
    await upstream.send(tooLarge);
    upstream.close(); // with unread bytes: the kernel sends a reset
    assertSameBytes(await runtime.read(tooLarge.length), tooLarge);
    assert.equal((await runtime.readToEnd()).ending, 'fin');
    runtime.close();
    if (round === 0) {
      await checkAlive(t, shim, platform);
    }
    await shim.kill();
  }
});

test('an early 413 on a connection that stays: the rest of the body passes, then the next request', async (t) => {
  const { platform, runtime, upstream } = await startInvocation(t);
  const response = responseMessage('id', pattern(1_000_000));
  await runtime.send(response.subarray(0, 1000));
  await upstream.read(1000);
  const tooLarge = answer('413 Request Entity Too Large', 'x');
  await upstream.send(tooLarge);
  assertSameBytes(await runtime.read(tooLarge.length), tooLarge);
  await runtime.send(response.subarray(1000));
  assertSameBytes(await upstream.read(response.length - 1000), response.subarray(1000));
  await exchange(platform, runtime, nextRequest(), eventMessage('id-2', '{}'), upstream);
});

test('an idle connection that the platform closes is closed for the runtime', async (t) => {
  const { platform, shim, runtime, upstream } = await startInvocation(t);
  await upstream.finish();
  assert.equal((await runtime.readToEnd()).ending, 'fin');
  await checkAlive(t, shim, platform);
});

test('a request that crosses the end of an idle connection goes up on a new one', async (t) => {
  const { platform, shim, runtime, upstream } = await startInvocation(t);
  const response = responseMessage('id', 'crossing');
  await whileStopped(shim, async () => {
    await upstream.finish();
    await runtime.send(response);
  });
  const fresh = await platform.connection();
  assertSameBytes(await fresh.read(response.length), response);
  await fresh.send(kAccepted);
  assertSameBytes(await runtime.read(kAccepted.length), kAccepted);
  assert.equal(upstream.buffered, 0);
});

test('a platform that refuses connections: the runtime is dropped without an answer', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  await platform.stopListening();
  for (const wire of [runtime, await shim.runtime(t)]) {
    await wire.send(nextRequest());
    assert.equal((await wire.readToEnd()).rest.length, 0);
  }
  assert.equal(shim.child.exitCode, null);
});

test('bytes that answer nothing end the connection', async (t) => {
  const { platform, shim, runtime, upstream } = await startInvocation(t);
  await upstream.send('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n');
  const { rest } = await runtime.readToEnd();
  assert.equal(rest.length, 0);
  await checkAlive(t, shim, platform);
});

test('an answer that is not HTTP ends the connection', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  await upstream.send('SSH-2.0-OpenSSH_9.2\r\n\r\n');
  await runtime.readToEnd();
  await checkAlive(t, shim, platform);
});

test('chunks that are not chunks cut the response', async (t) => {
  const { platform, shim, runtime, upstream } = await startInvocation(t);
  await runtime.send(bytes(`${kStreamHead}5\r\nhello\r\nzz\r\n`));
  await runtime.readToEnd();
  const { ending, rest } = await upstream.readToEnd();
  assert.ok(rest.length <= kStreamHead.length + 10);
  assert.equal(ending, 'reset');
  await checkAlive(t, shim, platform);
});
