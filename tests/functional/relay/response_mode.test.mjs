// POSTLUDE_RESPONSE_MODE=stream: buffered results reach a streaming caller as prelude and body.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertSameBytes, bytes, chunk, exchange, pattern } from './bytes.mjs';
import { quietTime } from './patience.mjs';
import { answer, eventMessage, kAccepted, kRuntimePath, nextRequest, postMessage, responseMessage } from './platform.mjs';
import { checkAlive } from './scene.mjs';
import { sanitized } from './shim.mjs';
import { checkShaped, kBufferedLimit, kNuls, kPrelude, readStream, shaped, startStreaming, takeAnswer } from './streaming_mode.mjs';

test('a shaped result becomes prelude, eight NUL bytes and body', async (t) => {
  const scene = await startStreaming(t);
  const headers = { 'x-one': 'é', 'content-type': 'text/plain' };
  const result = shaped('grüße "\u{1f600}"\n', { headers, cookies: ['a=b', 'c=d'], multiValueHeaders: { m: ['1', '2'] } });
  await scene.runtime.send(
    responseMessage('id', result, ['Content-Type: application/json', 'Lambda-Runtime-Invocation-Id: 7', 'User-Agent: story/2']),
  );
  const request = await readStream(scene.upstream);
  assert.ok(request.head.startsWith(`POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\n`), request.head);
  assert.match(request.head, /^Lambda-Runtime-Invocation-Id: 7\r$/m);
  assert.match(request.head, /^User-Agent: story\/2\r$/m);
  assert.match(request.head, /^Host: 127\.0\.0\.1\r$/m);
  const prelude = { statusCode: 200, headers, multiValueHeaders: { m: ['1', '2'] }, cookies: ['a=b', 'c=d'] };
  checkShaped(request, prelude, 'grüße "\u{1f600}"\n');
  await takeAnswer(scene);
  await checkAlive(t, scene.shim, scene.platform);
});

test('a base64 body arrives decoded, whatever the order of the members and the runtime\'s framing', async (t) => {
  const body = pattern(200_000);
  const result = `{"isBase64Encoded":true,"body":"${body.toString('base64')}","statusCode":"201"}`;
  const head = `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const pieces = result.match(/.{1,7001}/g).map((piece) => chunk(piece));
  for (const message of [responseMessage('id', result), Buffer.concat([bytes(head), ...pieces, chunk('')])]) {
    const scene = await startStreaming(t);
    await scene.runtime.send(message);
    checkShaped(await readStream(scene.upstream), { statusCode: 201 }, body);
    await takeAnswer(scene);
    await scene.shim.kill();
  }
});

test('anything else is streamed as it is, under its own content type', async (t) => {
  for (const [result, type] of [
    ['{"hello":"world"}', 'application/json'],
    ['"text"', 'application/json'],
    ['not JSON: {"statusCode":200', 'text/plain'],
    ['\xff\xfe', 'application/octet-stream'],
    ['', 'application/json'],
  ]) {
    const scene = await startStreaming(t);
    await scene.runtime.send(responseMessage('id', bytes(result), [`Content-Type: ${type}`]));
    const { head, payload } = await readStream(scene.upstream);
    assert.match(head, /^Lambda-Runtime-Function-Response-Mode: streaming\r$/m);
    assert.deepEqual(head.match(/^Content-Type: .*(?=\r$)/gim), [`Content-Type: ${type}`]);
    assertSameBytes(payload, result);
    await takeAnswer(scene);
    await scene.shim.kill();
  }
});

test('a malformed shaped result goes up as it came', async (t) => {
  for (const result of [
    '{"statusCode":9999,"body":"x"}',
    '{"statusCode":200,"body":{"a":1}}',
    '{"statusCode":200,"isBase64Encoded":true,"body":"***"}',
    '{"statusCode":200,"body":"\\ud800"}',
    `{"statusCode":200,"headers":[],"body":"${'x'.repeat(300_000)}"}`,
  ]) {
    const scene = await startStreaming(t);
    await exchange(scene.platform, scene.runtime, responseMessage('id', result), kAccepted, scene.upstream);
    await exchange(scene.platform, scene.runtime, nextRequest(), eventMessage('id-2', '{}'), scene.upstream);
    await scene.shim.kill();
  }
});

test('a malformed chunked result keeps its framing', async (t) => {
  const scene = await startStreaming(t);
  const head = `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n`;
  await scene.runtime.send(Buffer.concat([bytes(head), chunk('{"statusCode"'), chunk(':null}'), chunk('')]));
  const request = await readStream(scene.upstream);
  assert.equal(request.head, head);
  assertSameBytes(request.payload, '{"statusCode":null}');
  await takeAnswer(scene);
});

test('an empty body sends prelude and last chunk at once', async (t) => {
  const scene = await startStreaming(t);
  await scene.runtime.send(responseMessage('id', shaped('', { statusCode: 204, headers: { a: 'b' } })));
  let reads = 0;
  scene.upstream.socket.on('data', () => (reads += 1));
  checkShaped(await readStream(scene.upstream), { statusCode: 204, headers: { a: 'b' } }, '');
  assert.equal(reads, 1, 'head, prelude and last chunk in one segment');
  await takeAnswer(scene);
});

test('six megabytes pass, held once', async (t) => {
  const scene = await startStreaming(t);
  const body = pattern(4_600_000);
  const result = shaped(body.toString('base64'), { isBase64Encoded: true });
  assert.ok(result.length > 6_000_000 && result.length < kBufferedLimit);
  for (const [id, framed] of [
    ['id', responseMessage('id', result)],
    ['id-2', bytes(`POST ${kRuntimePath}invocation/id-2/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(result)}0\r\n\r\n`)],
  ]) {
    const before = scene.shim.peakMemory();
    await scene.runtime.send(framed);
    checkShaped(await readStream(scene.upstream), { statusCode: 200 }, body);
    await takeAnswer(scene);
    const growth = scene.shim.peakMemory() - before;
    t.diagnostic(`${id}: peak resident memory grew by ${growth} KiB, from ${before} KiB`);
    if (!sanitized) {
      assert.ok(growth < result.length / 1024 + 1024, `${growth} KiB for ${result.length} bytes`);
    }
    await exchange(scene.platform, scene.runtime, nextRequest(), eventMessage('id-2', '{}'), scene.upstream);
  }
});

test('a platform that reads slowly gets it all, and nobody turns in circles', async (t) => {
  const scene = await startStreaming(t);
  const body = pattern(4_500_000, 3);
  scene.upstream.pause();
  await scene.runtime.send(responseMessage('id', shaped(body.toString('base64'), { isBase64Encoded: true })));
  // Collecting and judging takes its time; then nothing can go on.
  let used = Infinity;
  for (let rounds = 0; used > 50 && rounds < 20; rounds += 1) {
    const before = scene.shim.cpuTime();
    await quietTime(500);
    used = scene.shim.cpuTime() - before;
  }
  assert.ok(used <= 50, `${used} ms of CPU in 500 ms of standstill`);
  scene.upstream.resume();
  checkShaped(await readStream(scene.upstream), { statusCode: 200 }, body);
  await takeAnswer(scene);
});

test('more than the platform takes buffered is streamed as it comes, in flat memory', async (t) => {
  const scene = await startStreaming(t);
  const before = scene.shim.peakMemory();
  const body = pattern(40_000_000);
  const sending = scene.runtime.send(responseMessage('id', body));
  const { head, payload } = await readStream(scene.upstream);
  await sending;
  assert.match(head, /^Lambda-Runtime-Function-Response-Mode: streaming\r$/m);
  assertSameBytes(payload, body);
  await takeAnswer(scene);
  const growth = scene.shim.peakMemory() - before;
  t.diagnostic(`peak resident memory grew by ${growth} KiB`);
  if (!sanitized) {
    assert.ok(growth < 8 * 1024, `${growth} KiB`);
  }
});

test('a shaped result larger than that goes up as it came, to be refused', async (t) => {
  const scene = await startStreaming(t);
  const message = responseMessage('id', shaped('x'.repeat(8_000_000)));
  const refusal = answer('413 Request Entity Too Large', '{"errorType":"RequestEntityTooLarge"}');
  await exchange(scene.platform, scene.runtime, message, refusal, scene.upstream);
  await exchange(scene.platform, scene.runtime, nextRequest(), eventMessage('id-2', '{}'), scene.upstream);
});

test('one byte decides about that', async (t) => {
  for (const over of [0, 1]) {
    const scene = await startStreaming(t);
    const frame = shaped('').length;
    const body = 'y'.repeat(kBufferedLimit - frame + over);
    const sending = scene.runtime.send(responseMessage('id', shaped(body)));
    if (over) {
      assert.match((await scene.upstream.readHead()).toString(), /^Content-Length: 6291557\r$/m);
      assertSameBytes(await scene.upstream.read(kBufferedLimit + 1), shaped(body));
    } else {
      checkShaped(await readStream(scene.upstream), { statusCode: 200 }, body);
    }
    await sending;
    await takeAnswer(scene);
    await scene.shim.kill();
  }
});

test('what is streamed already, and errors, pass as they come', async (t) => {
  const scene = await startStreaming(t);
  const head =
    `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n` +
    `Content-Type: ${kPrelude}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  for (const part of [head, chunk(`{"statusCode":200}${kNuls}`), chunk('a'), chunk('b')]) {
    await scene.runtime.send(part);
    assertSameBytes(await scene.upstream.read(bytes(part).length), part);
  }
  await exchange(null, scene.runtime, '0\r\n\r\n', kAccepted, scene.upstream);
  await exchange(null, scene.runtime, nextRequest(), eventMessage('id-2', '{}'), scene.upstream);
  const error = postMessage('invocation/id-2/error', shaped('x'), ['Lambda-Runtime-Function-Error-Type: Function.Oops']);
  await exchange(null, scene.runtime, error, kAccepted, scene.upstream);
});

test('trailers of a collected result follow it', async (t) => {
  const scene = await startStreaming(t);
  const head =
    `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n` +
    'Trailer: Lambda-Runtime-Function-Error-Type\r\nTrailer: Lambda-Runtime-Function-Error-Body\r\n\r\n';
  const trailer = 'Lambda-Runtime-Function-Error-Type: Function.Oops';
  await scene.runtime.send(Buffer.concat([bytes(head), chunk('{"half'), bytes(`0\r\n${trailer}\r\n\r\n`)]));
  const request = await readStream(scene.upstream);
  assert.equal(request.head.match(/^Trailer: /gm).length, 2);
  assertSameBytes(request.payload, '{"half');
  assert.deepEqual(request.trailers, [trailer]);
  await takeAnswer(scene);
});

test('a runtime that expects 100 Continue is asked to go on here', async (t) => {
  const scene = await startStreaming(t);
  for (const [result, isStream] of [[shaped('later'), true], ['{"statusCode":1}', false]]) {
    const message = responseMessage('id', result, ['Expect: 100-continue']);
    const bodyAt = message.length - result.length;
    await scene.runtime.send(message.subarray(0, bodyAt));
    assert.match((await scene.runtime.readHead()).toString(), /^HTTP\/1\.1 100 /);
    assert.equal(scene.upstream.buffered, 0);
    await scene.runtime.send(message.subarray(bodyAt));
    if (isStream) {
      const request = await readStream(scene.upstream);
      assert.doesNotMatch(request.head, /^Expect:/im);
      checkShaped(request, { statusCode: 200 }, 'later');
    } else {
      assert.doesNotMatch((await scene.upstream.readHead()).toString(), /^Expect:/im);
      assertSameBytes(await scene.upstream.read(result.length), result);
    }
    await takeAnswer(scene);
  }
});
