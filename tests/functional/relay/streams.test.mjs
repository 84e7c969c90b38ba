// Bodies pass as they come: no waiting, no collecting, no growing.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { assertSameBytes, bytes, chunk, exchange, pattern } from './bytes.mjs';
import { quietTime } from './patience.mjs';
import { eventMessage, kAccepted, kRuntimePath, nextRequest } from './platform.mjs';
import { sanitized } from './shim.mjs';
import { startInvocation } from './scene.mjs';

const kStreamHead =
  `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nHost: x\r\n` +
  'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n';
const kBlock = chunk(pattern(64 * 1024 - 100));
const kMostGrowthKiB = 1024;

function checkGrowth(t, shim, before) {
  const growth = shim.peakMemory() - before;
  t.diagnostic(`peak resident memory grew by ${growth} KiB, from ${before} KiB`);
  if (!sanitized) {
    assert.ok(growth <= kMostGrowthKiB, `${growth} KiB`);
  }
}

// While nobody can go on, nothing may turn in circles.
async function checkIdle(t, shim) {
  const before = shim.cpuTime();
  await quietTime(500);
  const used = shim.cpuTime() - before;
  t.diagnostic(`${used} ms of CPU in 500 ms of standstill`);
  assert.ok(used <= 100, `${used} ms of CPU in 500 ms of standstill`);
}

test('the first bytes of a stream arrive while the handler holds the rest back', async (t) => {
  const { runtime, upstream } = await startInvocation(t);
  const parts = [
    kStreamHead,
    chunk('{"statusCode":200}'),
    chunk('\0'.repeat(8)),
    chunk('h'),
    '5\r\n', // a size line alone
    'el', // half a chunk
    'lo!\r', // the rest with half of the line end
    '\n0',
    '\r\n\r\n',
  ];
  for (const part of parts) {
    await runtime.send(bytes(part));
    // A size line, or a line end, is passed on when it is whole.
    if (!['\n0', 'lo!\r'].includes(part)) {
      const missing = { '\r\n\r\n': '\r\n0\r\n\r\n' }[part] ?? part;
      assertSameBytes(await upstream.read(bytes(missing).length), missing);
    } else if (part === 'lo!\r') {
      assertSameBytes(await upstream.read(3), 'lo!');
    }
  }
  await upstream.send(kAccepted);
  assertSameBytes(await runtime.read(kAccepted.length), kAccepted);
});

test('an event reaches the runtime as it comes', async (t) => {
  const { runtime, upstream } = await startInvocation(t);
  await exchange(null, runtime, `${kStreamHead}0\r\n\r\n`, kAccepted, upstream);
  await runtime.send(nextRequest());
  await upstream.read(nextRequest().length);
  const head = 'HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-2\r\nContent-Length: 10\r\n\r\n';
  for (const part of [head, '01234', '5678', '9']) {
    await upstream.send(part);
    assertSameBytes(await runtime.read(part.length), part);
  }
});

test('a stream of 100 MB passes whole, and the memory stays flat', async (t) => {
  const { shim, runtime, upstream } = await startInvocation(t);
  const before = shim.peakMemory();
  const hash = createHash('sha256').update(kStreamHead);
  const blocks = 1600;
  const size = kStreamHead.length + blocks * kBlock.length;
  const arrived = upstream.digest(size);
  await runtime.send(kStreamHead);
  for (let i = 0; i < blocks; i += 1) {
    hash.update(kBlock);
    await runtime.send(kBlock);
  }
  assert.equal(await arrived, hash.digest('hex'));
  await exchange(null, runtime, '0\r\n\r\n', kAccepted, upstream);
  checkGrowth(t, shim, before);
});

test('a platform that reads slowly slows the runtime down, and the memory stays flat', async (t) => {
  const { shim, runtime, upstream } = await startInvocation(t);
  const before = shim.peakMemory();
  await runtime.send(kStreamHead);
  assertSameBytes(await upstream.read(kStreamHead.length), kStreamHead);
  upstream.pause();
  // More than the sockets of both hops can hold.
  const blocks = 800;
  const hash = createHash('sha256');
  for (let i = 0; i < blocks; i += 1) {
    hash.update(kBlock);
    runtime.socket.write(kBlock);
  }
  await checkIdle(t, shim);
  assert.ok(runtime.socket.writableLength > 0, 'somebody keeps 50 MB that the platform did not read');
  checkGrowth(t, shim, before);
  upstream.resume();
  assert.equal(await upstream.digest(blocks * kBlock.length), hash.digest('hex'));
  await exchange(null, runtime, '0\r\n\r\n', kAccepted, upstream);
  checkGrowth(t, shim, before);
});

test('a runtime that reads its event slowly slows the platform down, and the memory stays flat', async (t) => {
  const { shim, runtime, upstream } = await startInvocation(t);
  await exchange(null, runtime, `${kStreamHead}0\r\n\r\n`, kAccepted, upstream);
  const before = shim.peakMemory();
  await runtime.send(nextRequest());
  await upstream.read(nextRequest().length);
  runtime.pause();
  const event = eventMessage('id-2', Buffer.concat(Array.from({ length: 800 }, () => kBlock)));
  upstream.socket.write(event);
  await checkIdle(t, shim);
  assert.ok(upstream.socket.writableLength > 0, 'somebody keeps 50 MB that the runtime did not read');
  checkGrowth(t, shim, before);
  runtime.resume();
  assert.equal(await runtime.digest(event.length), createHash('sha256').update(event).digest('hex'));
  await exchange(null, runtime, nextRequest(), eventMessage('id-3', '{}'), upstream);
  checkGrowth(t, shim, before);
});

test('many small chunks in large writes pass, and the memory stays flat', async (t) => {
  const { shim, runtime, upstream } = await startInvocation(t);
  const before = shim.peakMemory();
  const small = Buffer.concat(Array.from({ length: 200_000 }, (_, i) => chunk(pattern(1 + (i % 7), i))));
  const request = Buffer.concat([bytes(kStreamHead), small, bytes('0\r\n\r\n')]);
  await exchange(null, runtime, request, kAccepted, upstream);
  checkGrowth(t, shim, before);
});
