// How the stories begin: a scripted platform, the shim, a runtime's connection; and what many ask.
import assert from 'node:assert/strict';
import { assertSameBytes, exchange } from './bytes.mjs';
import { quietTime } from './patience.mjs';
import { answer, eventMessage, nextRequest, Platform } from './platform.mjs';
import { Shim } from './shim.mjs';

export async function startPlatform(t) {
  const platform = await Platform.start();
  t.after(() => platform.stop());
  return platform;
}

export async function startShim(t, options) {
  const platform = await startPlatform(t);
  return { platform, shim: await Shim.start(t, platform, options) };
}

// With a connection of the runtime.
export async function startConnected(t) {
  const { platform, shim } = await startShim(t);
  return { platform, shim, runtime: await shim.runtime(t) };
}

// The runtime has polled and got its event over `upstream`.
export async function startInvocation(t) {
  const started = await startConnected(t);
  const upstream = await exchange(started.platform, started.runtime, nextRequest(), eventMessage('id', '{}'));
  return { ...started, upstream };
}

// The runtime's poll waits at the platform, over the connection returned.
export async function park(platform, runtime, upstream = null) {
  await runtime.send(nextRequest());
  const connection = upstream ?? (await platform.connection());
  assertSameBytes(await connection.read(nextRequest().length), nextRequest());
  return connection;
}

// The shim neither ended nor turns in circles, and still serves.
export async function checkAlive(t, shim, platform) {
  const before = shim.cpuTime();
  await quietTime(300);
  const used = shim.cpuTime() - before;
  assert.ok(used <= 60, `${used} ms of CPU in 300 ms of standstill`);
  const again = await shim.runtime(t);
  await exchange(platform, again, 'GET /2018-06-01/ping HTTP/1.1\r\n\r\n', answer('200 OK', 'pong'));
}

// The shim finds all of `deed` at once when it goes on.
export async function whileStopped(shim, deed) {
  process.kill(shim.pid, 'SIGSTOP');
  try {
    await deed();
    await quietTime(50); // the kernel delivers loopback bytes at once; nothing waits for more
  } finally {
    process.kill(shim.pid, 'SIGCONT');
  }
}
