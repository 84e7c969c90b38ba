// Every message passes byte by byte, whatever a runtime or the platform writes.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertSameBytes, bytes, chunk, exchange, pattern } from './bytes.mjs';
import {
  answer,
  eventMessage,
  kAccepted,
  kRuntimePath,
  nextRequest,
  postMessage,
  responseMessage,
} from './platform.mjs';
import { startConnected } from './scene.mjs';

test('one buffered invocation passes byte by byte, on one connection', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const upstream = await exchange(platform, runtime, nextRequest(), eventMessage('id-1', '{"n":1}'));
  await exchange(platform, runtime, responseMessage('id-1', '{"ok":true}'), kAccepted, upstream);
  await exchange(platform, runtime, nextRequest(), eventMessage('id-2', '{"n":2}'), upstream);
  await exchange(platform, runtime, responseMessage('id-2', ''), kAccepted, upstream);
  assert.equal(platform.waitingConnections, 0);
});

test('header names, order, duplicates, empty values and odd spacing arrive as they were written', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const odd = [
    'x-LOWER-upper: 1',
    'X-Twice: a',
    'x-twice:b',
    'X-Empty:',
    'X-Blank:   ',
    'X-Spaced:  \t two  inner  spaces \t ',
    'X-Percent: 100%25 %0d%0aX-Injected: no',
    'X-Comma: a,b , c',
    'X-Colon: a:b::c',
    'X-Obs-Text: \xe4\xf6\xfc\x80\xff',
    'X-Utf8: gr\xc3\xbc\xc3\x9fe',
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
  ];
  const event = eventMessage('id-1', '{}', {
    headers: ['Lambda-Runtime-Client-Context: {"custom":{"a":"%0d%0aX-Evil: 1","b":"\\u000a"}}', ...odd],
  });
  const upstream = await exchange(platform, runtime, nextRequest(), event);
  await exchange(platform, runtime, responseMessage('id-1', 'body', odd), answer('202 Accepted', 'x', odd), upstream);
});

test('a client context of 600 KiB and an X-Ray cause of 600 KiB arrive whole', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const value = 'k'.repeat(600 * 1024);
  const event = eventMessage('id-1', '{}', { headers: [`Lambda-Runtime-Client-Context: ${value}`] });
  const upstream = await exchange(platform, runtime, nextRequest(), event);
  const cause = [`Lambda-Runtime-Function-XRay-Error-Cause: ${value}`];
  await exchange(platform, runtime, postMessage('invocation/id-1/error', '{}', cause), kAccepted, upstream);
});

test('events of every size pass, sized and in chunks with trailers', async (t) => {
  const { platform, runtime } = await startConnected(t);
  let upstream = null;
  for (const size of [0, 1, 65_535, 65_536, 65_537, 6_291_456]) {
    const event = eventMessage(`id-${size}`, pattern(size));
    upstream = await exchange(platform, runtime, nextRequest(), event, upstream);
    const done = responseMessage(`id-${size}`, 'ok');
    await exchange(platform, runtime, done, kAccepted, upstream);
  }
  const chunked = Buffer.concat([
    bytes(
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: id-c\r\n' +
        'Lambda-Runtime-Deadline-Ms: 4000000000000\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n',
    ),
    chunk('{"a":'),
    chunk(pattern(100_000)),
    chunk('1}', ';name="va;lue"'),
    bytes('0\r\nX-Sum: 1\r\nx-undeclared:2\r\n\r\n'),
  ]);
  await exchange(platform, runtime, nextRequest(), chunked, upstream);
});

test('responses of 0 bytes, binary ones and 6 MB pass, with a length and in chunks', async (t) => {
  const { platform, runtime } = await startConnected(t);
  let upstream = null;
  for (const body of ['', '\0', pattern(1000), pattern(6_291_556)]) {
    upstream = await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'), upstream);
    await exchange(platform, runtime, responseMessage('id', body), kAccepted, upstream);
    upstream = await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'), upstream);
    const inChunks = Buffer.concat([
      bytes(
        `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: chunked\r\n\r\n`,
      ),
      ...(body.length > 0 ? [chunk(body)] : []),
      bytes('0\r\n\r\n'),
    ]);
    await exchange(platform, runtime, inChunks, kAccepted, upstream);
  }
});

const kStreamHead =
  `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nHost: x\r\n` +
  'Lambda-Runtime-Function-Response-Mode: streaming\r\n' +
  'Content-Type: application/vnd.awslambda.http-integration-response\r\nTransfer-Encoding: chunked\r\n';
const kTrailers =
  'Lambda-Runtime-Function-Error-Type: Function.Broken\r\nLambda-Runtime-Function-Error-Body: eyJlIjoxfQ==\r\n';

for (const [announced, lines] of [
  ['in two Trailer lines', 'Trailer: Lambda-Runtime-Function-Error-Type\r\nTrailer: Lambda-Runtime-Function-Error-Body\r\n'],
  ['in one Trailer line', 'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n'],
  ['nowhere', ''],
]) {
  test(`error trailers announced ${announced} pass as trailers`, async (t) => {
    const { platform, runtime } = await startConnected(t);
    const upstream = await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'));
    const request = Buffer.concat([
      bytes(`${kStreamHead}${lines}\r\n`),
      chunk('{"statusCode":200}'),
      chunk('\0'.repeat(8)),
      chunk('hello', ' ; a=b;c'),
      bytes(`000\r\n${kTrailers}\r\n`),
    ]);
    await exchange(platform, runtime, request, kAccepted, upstream);
    await exchange(platform, runtime, nextRequest(), eventMessage('id-2', '{}'), upstream);
  });
}

test('a stream of one-byte chunks passes, written byte by byte', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const upstream = await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'));
  const body = pattern(300);
  const request = Buffer.concat([
    bytes(`${kStreamHead}\r\n`),
    ...Array.from(body, (_, i) => chunk(body.subarray(i, i + 1))),
    bytes('0\r\n\r\n'),
  ]);
  for (let i = 0; i < request.length; i += 1) {
    await runtime.send(request.subarray(i, i + 1));
  }
  assertSameBytes(await upstream.read(request.length), request);
  await upstream.send(kAccepted);
  assertSameBytes(await runtime.read(kAccepted.length), kAccepted);
});

test('an answer written byte by byte arrives', async (t) => {
  const { platform, runtime } = await startConnected(t);
  await runtime.send(nextRequest());
  const upstream = await platform.connection();
  const event = eventMessage('id', '{"a":[1,2,3]}');
  for (let i = 0; i < event.length; i += 1) {
    await upstream.send(event.subarray(i, i + 1));
  }
  assertSameBytes(await runtime.read(event.length), event);
});

test('Expect: 100-continue is answered by the platform, and the body follows', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const upstream = await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'));
  const body = pattern(200_000);
  const head = `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`;
  const goOn = 'HTTP/1.1 100 Continue\r\n\r\n';
  await runtime.send(head);
  assertSameBytes(await upstream.read(head.length), head);
  await upstream.send(goOn);
  assertSameBytes(await runtime.read(goOn.length), goOn);
  await runtime.send(body);
  assertSameBytes(await upstream.read(body.length), body);
  await upstream.send(kAccepted);
  assertSameBytes(await runtime.read(kAccepted.length), kAccepted);
  await exchange(platform, runtime, nextRequest(), eventMessage('id-2', '{}'), upstream);
});

for (const [status, body] of [
  ['202 Accepted', '{"status":"OK"}\n'],
  ['400 Bad Request', '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n'],
  ['403 Forbidden', '{"errorMessage":"State transition from A to B failed","errorType":"InvalidStateTransition"}\n'],
  ['410 Gone', '{"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}\n'],
  ['413 Request Entity Too Large', '{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes)."}\n'],
  ['500 Internal Server Error', ''],
  ['204 No Content', null],
]) {
  test(`the platform's ${status} passes verbatim, and the connection goes on`, async (t) => {
    const { platform, runtime } = await startConnected(t);
    const upstream = await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'));
    const reply = body === null ? `HTTP/1.1 ${status}\r\nX-A: 1\r\n\r\n` : answer(status, body, ['x-Odd: 1']);
    await exchange(platform, runtime, responseMessage('id', '1'), reply, upstream);
    await exchange(platform, runtime, nextRequest(), answer('403 Forbidden', body ?? ''), upstream);
    await exchange(platform, runtime, nextRequest(), eventMessage('id-2', '{}'), upstream);
  });
}

test('restore, init and invocation errors, credentials, telemetry and unknown paths pass unchanged', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const ok = answer('200 OK', '{}');
  let upstream = null;
  for (const request of [
    `GET ${kRuntimePath}restore/next HTTP/1.1\r\nHost: x\r\n\r\n`,
    postMessage('restore/error', '{"errorType":"A"}', ['Lambda-Runtime-Function-Error-Type: Runtime.A']),
    postMessage('init/error', '{"errorType":"B"}', ['Lambda-Runtime-Function-Error-Type: Runtime.B']),
    postMessage('invocation/never-seen/error', '{"errorType":"C"}'),
    postMessage('invocation/never-seen/response', '1'),
    'GET /2021-04-23/credentials HTTP/1.1\r\nAuthorization: token\r\nHost: x\r\n\r\n',
    'PUT /2022-07-01/telemetry HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}',
    'GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
    'BREW /2099-01-01/a%2Fb?c=d&e=%zz#f HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc',
    'GET http://other.host/2018-06-01/runtime/unknown HTTP/1.1\r\nHost: x\r\n\r\n',
    'get /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n',
  ]) {
    upstream = await exchange(platform, runtime, request, ok, upstream);
  }
});

test('the answer to HEAD has no body, whatever length it names', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const request = 'HEAD /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n';
  const reply = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n';
  const upstream = await exchange(platform, runtime, request, reply);
  await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'), upstream);
});

test('interim answers pass, also to a HEAD request', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
  const upstream = await exchange(
    platform,
    runtime,
    'HEAD /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n',
    `${hint}${hint}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n`,
  );
  await exchange(platform, runtime, nextRequest(), Buffer.concat([bytes(hint), eventMessage('id', '{}')]), upstream);
});

test('HTTP/1.0 passes both ways, and a body that the end of the connection ends', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const request = `GET ${kRuntimePath}invocation/next HTTP/1.0\r\n\r\n`;
  await runtime.send(request);
  const upstream = await platform.connection();
  assertSameBytes(await upstream.read(request.length), request);
  const reply = bytes('HTTP/1.0 200 OK\r\nLambda-Runtime-Aws-Request-Id: id\r\n\r\n{"until":"close"}');
  await upstream.send(reply);
  await upstream.finish();
  assertSameBytes(await runtime.read(reply.length), reply);
  assert.equal((await runtime.readToEnd()).ending, 'fin');
});

test('one connection per call, as Ruby makes them', async (t) => {
  const { platform, shim } = await startConnected(t);
  const once = async (request, reply) => {
    const runtime = await shim.runtime(t);
    const upstream = await exchange(platform, runtime, request, reply);
    await upstream.finish();
    assert.equal((await runtime.readToEnd()).ending, 'fin');
    await runtime.finish();
    assert.equal((await upstream.readToEnd()).ending, 'fin');
  };
  for (let i = 0; i < 3; i += 1) {
    await once(
      nextRequest().replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
      eventMessage(`id-${i}`, '{}', { headers: ['Connection: close'] }),
    );
    await once(responseMessage(`id-${i}`, '1', ['Connection: close']), answer('202 Accepted', '', ['Connection: close']));
  }
});

test('pipelined requests are answered in order, each when the one before it was', async (t) => {
  const { platform, runtime } = await startConnected(t);
  const requests = [nextRequest(), responseMessage('id', '1'), nextRequest(), responseMessage('id-2', pattern(70_000))];
  const replies = [eventMessage('id', '{}'), kAccepted, eventMessage('id-2', '{}'), kAccepted];
  await runtime.send(Buffer.concat(requests.map(bytes)));
  const upstream = await platform.connection();
  for (let i = 0; i < requests.length; i += 1) {
    assertSameBytes(await upstream.read(bytes(requests[i]).length), requests[i]);
    assert.equal(upstream.buffered, 0, 'a pipelined request overtook the answer before it');
    await upstream.send(bytes(replies[i]));
    assertSameBytes(await runtime.read(bytes(replies[i]).length), replies[i]);
  }
});

test('empty lines before a request pass with it', async (t) => {
  const { platform, runtime } = await startConnected(t);
  await exchange(platform, runtime, `\r\n\r\n${nextRequest()}`, eventMessage('id', '{}'));
});
