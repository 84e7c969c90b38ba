// POSTLUDE_RESPONSE_MODE=stream: what breaks off, is refused or comes early, and what follows it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertSameBytes, bytes, exchange, pattern } from './bytes.mjs';
import { quietTime } from './patience.mjs';
import { answer, eventMessage, kAccepted, kRuntimePath, nextRequest, responseMessage } from './platform.mjs';
import { checkAlive, whileStopped } from './scene.mjs';
import { checkShaped, early, readStream, shaped, startStreaming, takeAnswer } from './streaming_mode.mjs';

test('a runtime that hangs up in the middle leaves no trace at the platform', async (t) => {
  for (const leave of ['finish', 'reset']) {
    const scene = await startStreaming(t);
    const message = responseMessage('id', shaped('x'.repeat(500_000)));
    await scene.runtime.send(message.subarray(0, 300_000));
    await quietTime();
    scene.runtime[leave]();
    const { rest } = await scene.upstream.readToEnd();
    assert.equal(rest.length, 0, 'a part of it went up');
    const again = await scene.shim.runtime(t);
    await again.send(responseMessage('id', shaped('whole')));
    checkShaped(await readStream(await scene.platform.connection()), { statusCode: 200 }, 'whole');
    await scene.shim.kill();
  }
});

test('a runtime that hangs up beyond the limit cuts its stream', async (t) => {
  const scene = await startStreaming(t);
  const message = responseMessage('id', pattern(9_000_000));
  const sending = scene.runtime.send(message.subarray(0, 8_000_000));
  await scene.upstream.readHead();
  await sending;
  await scene.runtime.finish();
  const { ending, rest } = await scene.upstream.readToEnd();
  assert.equal(ending, 'fin');
  assert.ok(rest.length > 8_000_000 - 1000, `${rest.length} bytes`);
  assert.ok(!rest.subarray(-100).includes('\r\n0\r\n'), 'it looks whole');
});

test('a runtime that is gone after its result is answered for all the same', async (t) => {
  const scene = await startStreaming(t);
  const body = 'z'.repeat(3_000_000);
  scene.upstream.pause();
  await scene.runtime.send(responseMessage('id', shaped(body)));
  await scene.runtime.finish();
  await quietTime();
  scene.upstream.resume();
  checkShaped(await readStream(scene.upstream), { statusCode: 200 }, body);
  await scene.upstream.send(kAccepted);
  const { rest } = await scene.runtime.readToEnd();
  assertSameBytes(rest, kAccepted);
});

test('an early 4xx of the platform ends the sending, and the runtime goes on', async (t) => {
  const scene = await startStreaming(t);
  await scene.runtime.send(responseMessage('id', shaped('x'.repeat(6_000_000))));
  await scene.upstream.readHead(); // before that nothing can be answered
  scene.upstream.pause();
  const refusal = answer('410 Gone', '{"errorType":"InvokeTimeout"}');
  await scene.upstream.send(refusal);
  assertSameBytes(await scene.runtime.read(refusal.length), refusal);
  scene.upstream.resume();
  await scene.upstream.readToEnd();
  await exchange(scene.platform, scene.runtime, nextRequest(), eventMessage('id-2', '{}'));
  await checkAlive(t, scene.shim, scene.platform);
});

test('an early answer is refused in the middle of it, and its function is told', async (t) => {
  const scene = await startStreaming(t);
  const call = await scene.shim.runtime(t);
  await call.send(early('id', shaped('x'.repeat(100))));
  const first = await scene.platform.connection();
  await readStream(first);
  await first.send(answer('400 Bad Request', '{}'));
  assert.match((await call.readHead()).toString(), /^HTTP\/1\.1 400 /);
  await call.readPast('}}\n');
  await call.send(early('id', shaped('x'.repeat(6_000_000))));
  await first.readHead();
  first.pause();
  await first.send(answer('410 Gone', '{}'));
  assert.match((await call.readHead()).toString(), /^HTTP\/1\.1 404 /);
  await call.readPast('}}\n');
  first.resume();
  await first.readToEnd();
  await call.send(early('id', '1'));
  assert.match((await call.readHead()).toString(), /^HTTP\/1\.1 409 /);
});

test('a platform that breaks while it is sent ends the runtime\'s connection, without an answer', async (t) => {
  const scene = await startStreaming(t);
  await scene.runtime.send(responseMessage('id', shaped('x'.repeat(6_000_000))));
  await scene.upstream.readHead(); // before that nothing can be answered
  scene.upstream.pause();
  scene.upstream.reset();
  assert.equal((await scene.runtime.readToEnd()).rest.length, 0);
  await checkAlive(t, scene.shim, scene.platform);
});

test('a platform that closed its idle connection meanwhile gets it on a new one', async (t) => {
  const message = responseMessage('id', shaped('x'.repeat(100_000)));
  const ways = [
    async (scene) => {
      await scene.upstream.finish();
      await quietTime(); // the shim learns of it before the rest comes
      await scene.runtime.send(message.subarray(50_000));
    },
    (scene) =>
      whileStopped(scene.shim, async () => {
        await scene.upstream.finish();
        await scene.runtime.send(message.subarray(50_000));
      }),
  ];
  for (const way of ways) {
    const scene = await startStreaming(t);
    await scene.runtime.send(message.subarray(0, 50_000));
    await quietTime();
    await way(scene);
    const again = await scene.platform.connection();
    checkShaped(await readStream(again), { statusCode: 200 }, 'x'.repeat(100_000));
    await takeAnswer({ ...scene, upstream: again });
    await scene.shim.kill();
  }
});

test('an early answer is streamed too, and the runtime\'s own is discarded', async (t) => {
  for (const body of ['early', 'e'.repeat(400_000)]) {
    const scene = await startStreaming(t);
    const call = await scene.shim.runtime(t);
    const message = early('current', shaped(body, { headers: { a: 'b' } }));
    await call.send(message.subarray(0, message.length - 10));
    await quietTime();
    assert.equal(scene.platform.waitingConnections, 0, 'a part of it went up');
    await call.send(message.subarray(message.length - 10));
    const up = await scene.platform.connection();
    const request = await readStream(up);
    assert.ok(request.head.startsWith(`POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\n`), request.head);
    checkShaped(request, { statusCode: 200, headers: { a: 'b' } }, body);
    await up.send(kAccepted);
    assert.match((await call.readHead()).toString(), /^HTTP\/1\.1 202 /);
    await scene.runtime.send(responseMessage('id', shaped('late')));
    assertSameBytes(await scene.runtime.read(kAccepted.length), kAccepted);
    assert.equal(scene.upstream.buffered, 0);
    await scene.shim.kill();
  }
});

test('an early answer beyond the limit is streamed as it comes', async (t) => {
  const scene = await startStreaming(t);
  const call = await scene.shim.runtime(t);
  const body = 'b'.repeat(15_000_000);
  const sending = call.send(early('id', body));
  const up = await scene.platform.connection();
  const { payload } = await readStream(up);
  assertSameBytes(payload, body);
  await sending;
  await up.send(kAccepted);
  assert.match((await call.readHead()).toString(), /^HTTP\/1\.1 202 /);
});

test('an early answer that is cut gives way to the runtime\'s', async (t) => {
  for (const leave of ['finish', 'reset']) {
    const scene = await startStreaming(t);
    const call = await scene.shim.runtime(t);
    await call.send(early('id', shaped('e'.repeat(400_000))).subarray(0, 300_000));
    await quietTime();
    call[leave]();
    await scene.runtime.send(responseMessage('id', shaped('mine')));
    checkShaped(await readStream(scene.upstream), { statusCode: 200 }, 'mine');
    await takeAnswer(scene);
    assert.equal(scene.platform.waitingConnections, 0);
    await scene.shim.kill();
  }
});

test('requests that follow in one write wait their turn', async (t) => {
  const scene = await startStreaming(t);
  const body = 'p'.repeat(200_000);
  await scene.runtime.send(Buffer.concat([responseMessage('id', shaped(body)), bytes(nextRequest())]));
  checkShaped(await readStream(scene.upstream), { statusCode: 200 }, body);
  assert.equal(scene.upstream.buffered, 0);
  await scene.upstream.send(kAccepted);
  assertSameBytes(await scene.runtime.read(kAccepted.length), kAccepted);
  assertSameBytes(await scene.upstream.read(nextRequest().length), nextRequest());
  await scene.upstream.send(eventMessage('id-2', '{}'));
  await scene.runtime.readHead();
});
