// The wall clock is set while an invocation is under way: by an hour, forth or back. The platform's own time
// (its timeout, its billing) does not follow; deadlines that it names are those of the wall clock.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { HttpPeer } from './http_peer.mjs';
import { sanitized, startFunction, temporaryFolder } from './task_story.mjs';

const HOUR = 3_600_000;
const ANSWER = JSON.stringify({ statusCode: 200, body: 'answered' });
const once = { 'request.path': '/once' };
// A sanitizer wants to be the first library of a process.
const SKIP = { skip: sanitized };
// Until that file is there.
const waiting = (file) => ['sh', '-c', `echo begins; until [ -e '${file}' ]; do sleep 0.05; done; echo ends`];

// As startFunction, on a machine whose wall clock is right until set(by so many milliseconds).
async function startWithClock(t, tasks, { env = {}, ...more } = {}) {
  const folder = temporaryFolder(t);
  const library = path.join(folder, 'shifted_clock.so');
  copyFileSync(path.join(process.env.POSTLUDE_BIN_DIR, 'shifted_clock.so'), library);
  writeFileSync(path.join(folder, 'offset'), Buffer.alloc(8));
  const file = openSync(path.join(folder, 'offset'), 'r+');
  const story = await startFunction(t, tasks, {
    ...more,
    env: { ...env, LD_PRELOAD: library },
    within: ['env', `LD_PRELOAD=${library}`],
  });
  let offset = 0;
  return {
    ...story,
    set(by) {
      offset = by;
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(by) * 1_000_000n);
      writeSync(file, bytes, 0, 8, 0);
    },
    // How far a time of that clock is from now.
    off: (ms) => ms - offset - Date.now(),
  };
}

// The nth invocation ended by itself, and long before its timeout.
async function checkEnd(story, nth, { under }) {
  const { status, durationMs } = await story.lambda.event('invokeEnd', nth);
  assert.equal(status, 'success');
  assert.ok(durationMs < under, `${durationMs} ms`);
  return durationMs;
}

const checkNear = (ms, most) => assert.ok(Math.abs(ms) < most, `${ms} ms`);

test('set back in the middle of the work: nothing is cut, and nothing waits for an hour', SKIP, async (t) => {
  const file = path.join(temporaryFolder(t), 'go');
  let release;
  const peer = await HttpPeer.start(t, [(request, response) => (release = () => response.end()), { status: 503 }, { status: 200 }]);
  const story = await startWithClock(t, [
    { name: 'command', match: once, command: waiting(file) },
    { name: 'call', match: once, http: { url: peer.url() } },
    { name: 'timed', match: once, timeout: '1s', command: ['sleep', '1000'] },
    { name: 'later', match: { 'request.path': '/later' }, http: { url: peer.url() } },
  ], { options: ['--timeout', '120s'] });
  await story.call(ANSWER, { at: '/once' });
  await story.lambda.line((line) => line === 'begins');
  await peer.request();
  story.set(-HOUR);
  release();
  writeFileSync(file, '');
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(({ name, state, attempts }) => [name, state, attempts]),
    [['command', 'done', 1], ['call', 'done', 1], ['timed', 'failed', 1]]);
  for (const { name, ms } of receipt.tasks) {
    assert.ok(ms >= 0 && ms < 60_000, `${name}: ${ms} ms`);
  }
  assert.ok(receipt.responseMs >= 0 && receipt.responseMs < 60_000, `responseMs ${receipt.responseMs}`);
  assert.ok(receipt.heldMs >= 0 && receipt.heldMs < 60_000, `heldMs ${receipt.heldMs}`);
  await checkEnd(story, 1, { under: 60_000 });
  // From the next event on the wall clock counts again, deadlines, waits and all.
  await story.call(ANSWER, { at: '/later' });
  const later = await story.outcome('later');
  assert.deepEqual([later.state, later.attempts], ['done', 2]);
  const second = await story.receipt(2);
  checkNear(story.off(Date.parse(second.timestamp)), 60_000);
  await checkEnd(story, 2, { under: 60_000 });
});

test('set forth in the middle of the work: that may be a freeze, so the work is carried at once and lost never', SKIP, async (t) => {
  const file = path.join(temporaryFolder(t), 'go');
  const story = await startWithClock(t, [
    { name: 'command', match: once, command: waiting(file) },
    { name: 'patient', match: once, timeout: '15m', command: waiting(file) },
  ], { options: ['--timeout', '120s'] });
  await story.call(ANSWER, { at: '/once' });
  await story.lambda.line((line) => line === 'begins', 2);
  story.set(HOUR);
  const first = await story.receipt();
  assert.deepEqual(first.tasks.map(({ name, state, attempts }) => [name, state, attempts]), [['command', 'carried', 0], ['patient', 'carried', 0]]);
  t.diagnostic(`released after ${await checkEnd(story, 1, { under: 60_000 })} ms`);
  writeFileSync(file, '');
  assert.equal((await story.call(ANSWER, { at: '/other' })).text, 'answered');
  const second = await story.receipt(2);
  assert.deepEqual(second.tasks.map(({ name, state, attempts }) => [name, state, attempts]), [['command', 'done', 1], ['patient', 'done', 1]]);
  for (const { name, ms } of second.tasks) {
    assert.ok(ms >= 0 && ms < 60_000, `${name}: ${ms} ms`);
  }
  assert.ok(second.heldMs < 60_000, `heldMs ${second.heldMs}`);
  checkNear(story.off(Date.parse(second.timestamp)), 60_000);
  await checkEnd(story, 2, { under: 60_000 });
});

for (const [way, by] of [['back', -HOUR], ['forth', HOUR]]) {
  test(`set ${way} while the handler works: its answer goes out, and the work that it leaves is done`, SKIP, async (t) => {
    const folder = temporaryFolder(t);
    const file = path.join(folder, 'go');
    const story = await startWithClock(t, [{ name: 'after', command: ['sh', '-c', 'echo after ran'] }], {
      folder: 'shell', runtime: path.resolve(import.meta.dirname, '..', 'functions', 'shell', 'main'), options: ['--timeout', '120s'],
    });
    execFileSync('mkfifo', [file]);
    const answer = story.invoke(JSON.stringify({ gate: file }));
    await story.lambda.line((line) => line.startsWith('handler waits'));
    story.set(by);
    writeFileSync(file, 'x');
    assert.match((await answer).text, /answered/);
    await checkEnd(story, 1, { under: 60_000 });
    // Where it is carried, as after a freeze, the next invocation does it.
    assert.match((await story.invoke('{}')).text, /answered/);
    await story.lambda.line((line) => line === 'after ran', 2);
    await checkEnd(story, 2, { under: 60_000 });
    await story.receipt(2); // each invocation has one
    const ends = new Map();
    for (const line of story.lambda.log.filter((text) => text.startsWith('{"postlude":"receipt"'))) {
      for (const { id, state } of JSON.parse(line).tasks) ends.set(id, state);
    }
    assert.deepEqual([...ends.values()], ['done', 'done']);
  });
}
