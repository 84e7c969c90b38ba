// What the shim answers itself: its own routes, and what is not HTTP.
import assert from 'node:assert/strict';
import test from 'node:test';
import { bytes, exchange } from './bytes.mjs';
import { eventMessage, kAccepted, nextRequest, responseMessage } from './platform.mjs';
import { checkAlive, startConnected } from './scene.mjs';

for (const [what, request] of [
  ['a request that is not HTTP', 'hello\r\n\r\n'],
  ['two different lengths', 'POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ['a length beside chunks', 'POST /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a length that is no number', 'POST /x HTTP/1.1\r\nContent-Length: +1\r\n\r\na'],
  ['lines that end in a bare line feed', 'GET /x HTTP/1.1\nHost: x\n\n'],
  ['a field line without a colon', 'GET /x HTTP/1.1\r\nHost\r\n\r\n'],
]) {
  test(`${what} is refused, and nothing of it goes up`, async (t) => {
    const { platform, shim, runtime } = await startConnected(t);
    await runtime.send(request);
    const { rest, ending } = await runtime.readToEnd();
    assert.match(rest.toString(), /^HTTP\/1\.1 400 /);
    assert.equal(ending, 'fin');
    runtime.close();
    await checkAlive(t, shim, platform);
    assert.equal(platform.waitingConnections, 0);
  });
}

test('our own routes are answered here, pipelined, with bodies, HEAD, HTTP/1.0 and Connection: close', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  const health = 'GET /postlude/v1/health HTTP/1.1\r\nHost: x\r\n\r\n';
  const posted = `POST /postlude/v1/nothing HTTP/1.1\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`;
  const head = 'HEAD /postlude/v1/health HTTP/1.1\r\n\r\n';
  await runtime.send(bytes(health + posted + head + health.repeat(3)));
  const expect = async (status, withBody) => {
    const text = (await runtime.readHead()).toString();
    assert.match(text, status);
    const length = Number(/^content-length: (\d+)/im.exec(text)[1]);
    return withBody ? (await runtime.read(length)).toString() : '';
  };
  assert.equal(JSON.parse(await expect(/^HTTP\/1\.1 200 /, true)).status, 'ok');
  assert.match(await expect(/^HTTP\/1\.1 404 /, true), /"error"/);
  await expect(/^HTTP\/1\.1 /, false);
  for (let i = 0; i < 3; i += 1) {
    assert.equal(JSON.parse(await expect(/^HTTP\/1\.1 200 /, true)).status, 'ok');
  }
  assert.equal(platform.waitingConnections, 0, 'one of our routes went up');
  // The connection goes on to the platform, and back.
  const upstream = await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'));
  await runtime.send(health);
  await expect(/^HTTP\/1\.1 200 /, true);
  await exchange(platform, runtime, responseMessage('id', '1'), kAccepted, upstream);

  for (const closing of [
    'GET /postlude/v1/health HTTP/1.0\r\n\r\n',
    'GET /postlude/v1/health HTTP/1.1\r\nConnection: close\r\n\r\n',
  ]) {
    const once = await shim.runtime(t);
    await once.send(closing);
    const { ending, rest } = await once.readToEnd();
    assert.equal(ending, 'fin');
    assert.match(rest.toString(), /"status":"ok"/);
  }
});

test('a local call that expects 100-continue gets it', async (t) => {
  const { runtime } = await startConnected(t);
  await runtime.send('POST /postlude/v1/nothing HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
  assert.match((await runtime.readHead()).toString(), /^HTTP\/1\.1 100 /);
  await runtime.send('abc');
  assert.match((await runtime.readHead()).toString(), /^HTTP\/1\.1 404 /);
});
