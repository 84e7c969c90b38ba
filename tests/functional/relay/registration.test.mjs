// The runtime's first poll closes extension registration: it waits for the extension, but not long.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { assertSameBytes, exchange } from './bytes.mjs';
import { deferred, quietTime } from './patience.mjs';
import { answer, eventMessage, kAccepted, kRuntimePath, nextRequest, Platform, responseMessage } from './platform.mjs';
import { folder, realLayer, Shim } from './shim.mjs';

async function start(t, { registration, layer = realLayer } = {}) {
  const platform = await Platform.start();
  t.after(() => platform.stop());
  if (registration) {
    platform.registration = registration;
  }
  const shim = await Shim.start(t, platform, { layer });
  return { platform, shim, runtime: await shim.runtime(t) };
}

// A layer whose extension is a program of the story's choice.
function layerWith(name, script) {
  const layer = path.join(folder, name);
  fs.mkdirSync(path.join(layer, 'libexec'), { recursive: true });
  fs.copyFileSync(path.join(realLayer, 'postlude'), path.join(layer, 'postlude'));
  fs.writeFileSync(path.join(layer, 'libexec', 'postlude-extension'), script, { mode: 0o755 });
  return layer;
}

async function health(shim, t) {
  const wire = await shim.runtime(t);
  await wire.send('GET /postlude/v1/health HTTP/1.1\r\nConnection: close\r\n\r\n');
  const text = (await wire.readToEnd()).rest.toString();
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)).extension;
}

test('the real extension registers for INVOKE and parks, and an invocation passes', async (t) => {
  const { platform, shim, runtime } = await start(t);
  const upstream = await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'));
  await platform.extensionParked();
  const [register] = platform.extensionRequests;
  assert.match(register.head, /^POST \/2020-01-01\/extension\/register HTTP\/1\.1\r\n/);
  assert.match(register.head, /^Lambda-Extension-Name: postlude-extension\r$/im);
  assert.deepEqual(JSON.parse(register.body), { events: ['INVOKE'] });
  assert.equal(await health(shim, t), 'running');
  await exchange(platform, runtime, responseMessage('id', '1'), kAccepted, upstream);
});

for (const poll of ['invocation/next', 'restore/next']) {
  test(`the first ${poll} is held until the extension is registered`, async (t) => {
    const word = deferred();
    const { platform, shim, runtime } = await start(t, { registration: word.promise });
    const request = `GET ${kRuntimePath}${poll} HTTP/1.1\r\nHost: x\r\n\r\n`;
    await runtime.send(request);
    await quietTime(300);
    assert.equal(platform.waitingConnections, 0, 'the poll went up before the registration');
    // Everything else passes at once.
    const other = await exchange(platform, await shim.runtime(t), 'GET /2018-06-01/ping HTTP/1.1\r\n\r\n', answer('200 OK', 'pong'));
    assert.equal(other.ending, null);
    word.resolve('200 OK');
    const upstream = await platform.connection();
    assertSameBytes(await upstream.read(request.length), request);
  });
}

test('a held poll survives that the platform closes its idle connection', async (t) => {
  const word = deferred();
  const { platform, runtime } = await start(t, { registration: word.promise });
  const before = await exchange(platform, runtime, 'GET /2018-06-01/ping HTTP/1.1\r\n\r\n', answer('200 OK', 'pong'));
  await runtime.send(nextRequest());
  await quietTime();
  await before.finish();
  await quietTime();
  assert.equal(runtime.ending, null);
  word.resolve('200 OK');
  await exchange(platform, runtime, '', eventMessage('id', '{}'), await (async () => {
    const upstream = await platform.connection();
    assertSameBytes(await upstream.read(nextRequest().length), nextRequest());
    return upstream;
  })());
});

test('a runtime that hangs up while its poll is held polls again', async (t) => {
  const word = deferred();
  const { platform, shim, runtime } = await start(t, { registration: word.promise });
  await runtime.send(nextRequest());
  await quietTime();
  runtime.close();
  const second = await shim.runtime(t);
  await second.send(nextRequest());
  await quietTime();
  word.resolve('200 OK');
  const upstream = await platform.connection();
  await upstream.read(nextRequest().length);
  await quietTime();
  assert.equal(platform.waitingConnections, 0, 'the poll of a gone runtime went up');
  const event = eventMessage('id', '{}');
  await upstream.send(event);
  assertSameBytes(await second.read(event.length), event);
});

test('an extension that is not registered after 3 s is not waited for', async (t) => {
  const { platform, runtime } = await start(t, { registration: new Promise(() => {}) });
  const began = performance.now();
  await runtime.send(nextRequest());
  const upstream = await platform.connection();
  const waited = performance.now() - began;
  assert.ok(waited > 1500, `${waited} ms`);
  await upstream.read(nextRequest().length);
  await upstream.send(eventMessage('id', '{}'));
  await runtime.readHead();
});

for (const [what, name, script] of [
  ['cannot be executed', 'layer-broken', 'not a program'],
  ['ends at once', 'layer-false', '#!/bin/sh\nexit 1\n'],
]) {
  test(`an extension that ${what} delays nothing`, async (t) => {
    const { platform, shim, runtime } = await start(t, { layer: layerWith(name, script) });
    const began = performance.now();
    await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'));
    assert.ok(performance.now() - began < 2500);
    assert.equal(await health(shim, t), 'unavailable');
    assert.match(shim.stdout, /no extension: /);
  });
}

test('an extension that the platform refuses: the function goes on, and says so', async (t) => {
  const { platform, shim, runtime } = await start(t, { registration: '403 Forbidden' });
  const upstream = await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'));
  await exchange(platform, runtime, responseMessage('id', '1'), kAccepted, upstream);
  await exchange(platform, runtime, nextRequest(), eventMessage('id-2', '{}'), upstream);
  assert.match(shim.stdout, /the extension was not registered/);
});

// Lambda knows an extension whose identifier died with it, and would wait for its poll until the init's limit.
test('an extension that dies before it could tell of its registration: the environment starts over at once', async (t) => {
  const { platform, shim, runtime } = await start(t, { registration: deferred().promise });
  await runtime.send(nextRequest());
  await platform.extensionAsked();
  platform.registration = '403 Forbidden';
  platform.registrationBody = '{"errorType":"Extension.InvalidExtensionState","errorMessage":"Extension with this name already registered"}';
  process.kill(shim.extension(), 'SIGKILL');
  const end = await shim.ended();
  assert.equal(end.signal, 'SIGKILL');
  assert.match(shim.stdout, /the extension ended \(signal: killed\) and is replaced/);
  assert.match(shim.stdout, /"ERROR".*the extension died between the platform's answer to its registration and its word of it/);
  assert.equal(platform.waitingConnections, 0, 'the first poll went up');
});

test('the extension neither outlives the shim nor keeps it', async (t) => {
  const { platform, shim, runtime } = await start(t);
  await exchange(platform, runtime, nextRequest(), eventMessage('id', '{}'));
  const parked = await platform.extensionParked();
  shim.agent.tell('exit', { status: 2 });
  assert.equal((await shim.ended()).status, 2);
  assert.notEqual((await parked.readToEnd()).ending, null);
});
