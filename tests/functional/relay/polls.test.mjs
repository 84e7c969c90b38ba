// A parked poll is never abandoned: its event goes to the runtime's next poll.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertSameBytes, exchange, pattern } from './bytes.mjs';
import { quietTime } from './patience.mjs';
import { answer, eventMessage, kAccepted, nextRequest, responseMessage } from './platform.mjs';
import { checkAlive, park, startConnected, whileStopped } from './scene.mjs';

test('the event of a poll whose runtime has gone goes to the next poll', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  runtime.close();
  await quietTime();
  assert.equal(upstream.ending, null, 'the poll was abandoned');
  const second = await shim.runtime(t);
  await second.send(nextRequest());
  await quietTime();
  assert.equal(upstream.buffered, 0, 'a second poll went up');
  assert.equal(platform.waitingConnections, 0, 'a second poll went up');
  const event = eventMessage('id', '{"kept":true}');
  await upstream.send(event);
  assertSameBytes(await second.read(event.length), event);
  await exchange(platform, second, responseMessage('id', '1'), kAccepted, upstream);
  await exchange(platform, second, nextRequest(), eventMessage('id-2', '{}'), upstream);
});

test('an event that comes while no runtime polls waits for the next poll', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  runtime.close();
  await quietTime();
  const event = eventMessage('id', pattern(500_000));
  upstream.socket.write(event);
  await quietTime();
  const second = await shim.runtime(t);
  await second.send(nextRequest());
  assertSameBytes(await second.read(event.length), event);
});

test('half a head that came before the runtime went is not lost', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  const event = eventMessage('id', '{}', { headers: [`Lambda-Runtime-Client-Context: ${'c'.repeat(100_000)}`] });
  await upstream.send(event.subarray(0, 90_000));
  await quietTime();
  runtime.close();
  await quietTime();
  const second = await shim.runtime(t);
  await second.send(nextRequest());
  await upstream.send(event.subarray(90_000));
  assertSameBytes(await second.read(event.length), event);
});

test('a runtime that goes at the very moment its event comes loses nothing', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  const event = eventMessage('id', '{}');
  await whileStopped(shim, async () => {
    await upstream.send(event);
    runtime.close();
  });
  const second = await shim.runtime(t);
  await second.send(nextRequest());
  assertSameBytes(await second.read(event.length), event);
});

test('a waiting poll that the platform closed is not handed to the next one', async (t) => {
  for (const end of ['finish', 'reset']) {
    const { platform, shim, runtime } = await startConnected(t);
    const upstream = await park(platform, runtime);
    runtime.close();
    await quietTime();
    upstream[end]();
    await quietTime();
    await exchange(platform, await shim.runtime(t), nextRequest(), eventMessage('id', '{}'));
  }
});

test('a poll with a body takes over a waiting poll without sending its body', async (t) => {
  const { platform, shim, runtime } = await startConnected(t);
  const upstream = await park(platform, runtime);
  runtime.close();
  await quietTime();
  const second = await shim.runtime(t);
  await second.send(nextRequest().replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'));
  const event = eventMessage('id', '{}');
  await upstream.send(event);
  assertSameBytes(await second.read(event.length), event);
  await exchange(platform, second, responseMessage('id', '1'), kAccepted, upstream);
});

test('several waiting polls are all taken over', async (t) => {
  const { platform, shim } = await startConnected(t);
  const upstreams = [];
  const runtimes = [];
  for (let i = 0; i < 3; i += 1) {
    runtimes.push(await shim.runtime(t));
    upstreams.push(await park(platform, runtimes[i]));
  }
  for (const runtime of runtimes) {
    runtime.close();
  }
  await quietTime();
  for (let i = 0; i < 3; i += 1) {
    await upstreams[i].send(eventMessage(`id-${i}`, '{}'));
  }
  const seen = new Set();
  for (let i = 0; i < 3; i += 1) {
    const runtime = await shim.runtime(t);
    await runtime.send(nextRequest());
    seen.add(/Aws-Request-Id: (\S+)/.exec(await runtime.readHead())[1]);
  }
  assert.deepEqual([...seen].sort(), ['id-0', 'id-1', 'id-2']);
});

for (const [how, ending] of [
  ['finish', 'fin'],
  ['reset', 'reset'],
]) {
  test(`a parked poll that the platform ends (${ending}) ends for the runtime too`, async (t) => {
    const { platform, shim, runtime } = await startConnected(t);
    const upstream = await park(platform, runtime);
    upstream[how]();
    const seen = await runtime.readToEnd();
    assert.equal(seen.ending, ending);
    assert.equal(seen.rest.length, 0, 'an answer was made up');
    await checkAlive(t, shim, platform);
  });
}
