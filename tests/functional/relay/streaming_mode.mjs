// What the stories of POSTLUDE_RESPONSE_MODE=stream share: the beginning, results, and how a streamed
// request is read at the platform.
import assert from 'node:assert/strict';
import { assertSameBytes, exchange } from './bytes.mjs';
import { eventMessage, kAccepted, nextRequest } from './platform.mjs';
import { startShim } from './scene.mjs';

export const kPrelude = 'application/vnd.awslambda.http-integration-response';
export const kNuls = '\0'.repeat(8);
export const kBufferedLimit = 6 * 1024 * 1024 + 100;

// The runtime has its event and polls no more; `upstream` is its connection at the platform.
export async function startStreaming(t) {
  const started = await startShim(t, { env: { POSTLUDE_RESPONSE_MODE: 'stream' } });
  const runtime = await started.shim.runtime(t);
  const upstream = await exchange(started.platform, runtime, nextRequest(), eventMessage('id', '{}'));
  return { ...started, runtime, upstream };
}

// A whole chunked request: its head, its payload and its trailer section.
export async function readStream(wire) {
  const head = (await wire.readHead()).toString('latin1');
  assert.match(head, /^Transfer-Encoding: chunked\r$/im, head);
  assert.doesNotMatch(head, /^Content-Length:/im);
  const parts = [];
  for (;;) {
    const size = Number.parseInt((await wire.readPast('\r\n')).toString('latin1'), 16);
    if (size === 0) {
      break;
    }
    assert.ok(size < 64 * 1024, `a chunk of ${size} bytes`);
    parts.push(await wire.read(size));
    assertSameBytes(await wire.read(2), '\r\n');
  }
  const trailers = [];
  for (;;) {
    const line = (await wire.readPast('\r\n')).toString('latin1');
    if (line === '\r\n') {
      return { head, payload: Buffer.concat(parts), trailers };
    }
    trailers.push(line.trim());
  }
}

export function checkShaped({ head, payload }, prelude, body) {
  assert.match(head, /^Lambda-Runtime-Function-Response-Mode: streaming\r$/m, head);
  assert.deepEqual(head.match(/^Content-Type: .*(?=\r$)/gim), [`Content-Type: ${kPrelude}`]);
  const end = payload.indexOf(kNuls, 0, 'latin1');
  assert.deepEqual(JSON.parse(payload.subarray(0, end).toString()), prelude);
  assertSameBytes(payload.subarray(end + 8), Buffer.from(body));
}

export function shaped(body, members = {}) {
  return JSON.stringify({ statusCode: 200, body, ...members });
}

export function early(id, body) {
  return Buffer.from(
    `POST /postlude/v1/invocations/${id}/response HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

export async function takeAnswer({ runtime, upstream }) {
  await upstream.send(kAccepted);
  assertSameBytes(await runtime.read(kAccepted.length), kAccepted);
  assert.equal(upstream.buffered, 0);
  assert.equal(runtime.buffered, 0);
}
