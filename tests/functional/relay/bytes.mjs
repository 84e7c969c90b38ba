// Comparing bytes, with a message that shows where they part.
import assert from 'node:assert/strict';

export function bytes(text) {
  return Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1');
}

export function assertSameBytes(actual, expected, what = 'the bytes') {
  const wanted = bytes(expected);
  if (actual.equals(wanted)) {
    return;
  }
  let at = 0;
  while (at < wanted.length && at < actual.length && actual[at] === wanted[at]) {
    at += 1;
  }
  const around = (buffer) => JSON.stringify(buffer.subarray(Math.max(0, at - 40), at + 40).toString('latin1'));
  assert.fail(
    `${what} differ at ${at} (${actual.length} bytes, not ${wanted.length}): ${around(actual)}, not ${around(wanted)}`,
  );
}

// Bytes that are cheap to make and do not repeat with any buffer size.
export function pattern(size, seed = 1) {
  const result = Buffer.alloc(size);
  let state = seed >>> 0;
  for (let i = 0; i < size; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    result[i] = state >>> 24;
  }
  return result;
}

export function chunk(data, extension = '') {
  const body = bytes(data);
  return Buffer.concat([bytes(`${body.length.toString(16)}${extension}\r\n`), body, bytes('\r\n')]);
}

// One exchange: what the runtime sends must be what the platform gets, and the other way round.
export async function exchange(platform, runtime, request, reply, upstream = null) {
  const sent = runtime.send(bytes(request));
  const connection = upstream ?? (await platform.connection());
  assertSameBytes(await connection.read(bytes(request).length), request, 'request bytes at the platform');
  await sent;
  const answered = connection.send(bytes(reply));
  assertSameBytes(await runtime.read(bytes(reply).length), reply, 'answer bytes at the runtime');
  await answered;
  assert.equal(connection.buffered, 0, 'the platform got more than the request');
  assert.equal(runtime.buffered, 0, 'the runtime got more than the answer');
  return connection;
}
