// The spool cannot take what it is to take: the caller never notices, the function is told, the log and
// the receipt say why, nothing is left behind, and as soon as there is room all goes on.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { startFunction, temporaryFolder, withoutMounts } from './task_story.mjs';

const REPORT = { name: 'report', command: ['sh', '-c', 'cat >/dev/null; echo report ran'] };
const INLINE = { command: ['sh', '-c', 'echo deferred ran'], payload: 1 };
const LARGE = 'x'.repeat(200_000);

const isError = (line) => line.startsWith('{"postlude":"log"') && JSON.parse(line).level === 'ERROR';

// A function whose spool is a file system of its own, mounted with those options.
async function startOnDisk(t, mountOptions, { tasks = [REPORT], ...more } = {}) {
  const folder = temporaryFolder(t);
  const story = await startFunction(t, tasks, {
    folder: 'defers',
    ...more,
    env: { POSTLUDE_SPOOL_DIR: folder, ...more.env },
    within: ['unshare', '--mount', 'sh', '-c', `mount -t tmpfs -o ${mountOptions} tmpfs '${folder}' && exec "$@"`, 'sh'],
  });
  const disk = path.join('/proc', String(story.lambda.pid), 'root', folder);
  return {
    ...story,
    disk,
    remount: (options) => execFileSync('nsenter', [
      `--mount=/proc/${story.lambda.pid}/ns/mnt`, 'mount', '-o', `remount,${options}`, folder,
    ]),
  };
}

// Every file in the spool.
const spooled = (disk) => readdirSync(disk, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile()).map(({ name }) => name);

async function defer(story, tasks, filler = '') {
  const answer = await story.call(JSON.stringify({ defer: tasks, filler }));
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text);
}

// The invocation is over, and everything of it.
async function frozenAfter(story, { requestId }) {
  for (let nth = 1; ; nth += 1) {
    const frozen = await story.lambda.event('frozen', nth);
    if (frozen.requestId === requestId) {
      return;
    }
  }
}

// One invocation whose tasks are refused for that reason; returns when it is over.
async function checkRefused(story, nth, { type, why, filler }) {
  const [said] = await defer(story, [INLINE], filler);
  assert.equal(said.status, 503);
  assert.equal(said.error.type, type);
  assert.match(said.error.message, why);
  assert.match(said.error.message, /^the task cannot be kept: /);
  const receipt = await story.receipt(nth);
  assert.equal(receipt.level, 'WARN');
  assert.deepEqual(receipt.tasks.map(({ name, state }) => [name, state]), [['report', 'dropped']]);
  assert.match(receipt.tasks[0].why, why);
  const told = story.lambda.log.filter(isError).map((line) => JSON.parse(line))
    .find(({ requestId }) => requestId === receipt.requestId);
  assert.match(told.message, why);
  assert.equal(told.task, 'report');
  await frozenAfter(story, receipt);
}

// One invocation in which everything works.
async function checkTaken(story, nth, filler) {
  const [said] = await defer(story, [INLINE], filler);
  assert.equal(said.status, 202);
  const receipt = await story.receipt(nth);
  assert.deepEqual(receipt.tasks.map(({ state }) => state).sort(), ['done', 'done']);
  return receipt;
}

test('a disk that is full', { skip: withoutMounts }, async (t) => {
  const story = await startOnDisk(t, 'size=1m');
  await frozenAfter(story, await checkTaken(story, 1)); // whose records make room until then
  const filler = path.join(story.disk, 'filler');
  assert.throws(() => writeFileSync(filler, 'x'.repeat(2_000_000)), { code: 'ENOSPC' });
  const why = /: No space left on device$/;
  await checkRefused(story, 2, { type: 'SpoolFull', why });
  await checkRefused(story, 3, { type: 'SpoolFull', why, filler: LARGE });
  assert.deepEqual(spooled(story.disk), ['filler']);
  rmSync(filler);
  await frozenAfter(story, await checkTaken(story, 4, LARGE));
  assert.deepEqual(spooled(story.disk), []);
});

test('a disk without room for the first folder', { skip: withoutMounts }, async (t) => {
  const story = await startOnDisk(t, 'nr_inodes=2'); // of its root, and of one folder in it
  await checkRefused(story, 1, { type: 'SpoolFull', why: /: No space left on device$/ });
  assert.ok(story.lambda.log.some((line) => line.includes('the spool of this environment: make folder ')));
  story.remount('nr_inodes=1000');
  await checkTaken(story, 2);
});

test('a runtime that dies while nothing can be kept: its receipt tells what the next generation will not find', { skip: withoutMounts }, async (t) => {
  const alarms = ['alarm', 'second'].map((name) => ({ name, when: 'failure', command: ['sh', '-c', `echo ${name} ran`] }));
  const story = await startOnDisk(t, 'size=1m', { folder: 'failing', tasks: alarms });
  await story.invoke('{"how":"answer"}'); // the runtime is up, so that it dies of nothing else
  const filler = path.join(story.disk, 'filler');
  assert.throws(() => writeFileSync(filler, 'x'.repeat(2_000_000)), { code: 'ENOSPC' });
  assert.match((await story.invoke('{"how":"exit"}')).text, /Runtime\.ExitError/);
  const { requestId } = await story.lambda.event('reset');
  const receipt = await story.receipt();
  assert.equal(receipt.level, 'WARN');
  assert.equal(receipt.requestId, requestId);
  assert.deepEqual(receipt.tasks.map(({ id, state }) => [id, state]), [[`${requestId}/alarm/1`, 'dropped'], [`${requestId}/second/1`, 'dropped']]);
  for (const { why } of receipt.tasks) assert.match(why, /: No space left on device$/);
  rmSync(filler);
  // The next one is kept, and runs in the generation after it: nothing more is told of the first two.
  assert.match((await story.invoke('{"how":"exit"}')).text, /Runtime\.ExitError/);
  assert.match((await story.invoke('{"how":"answer"}')).text, /answered/);
  const { tasks } = await story.receipt(2);
  assert.deepEqual(tasks.map(({ name, state }) => [name, state]), [['alarm', 'done'], ['second', 'done']]);
  assert.ok(tasks.every(({ id }) => !id.startsWith(requestId)));
});

test('a limit that is reached', async (t) => {
  const folder = temporaryFolder(t);
  const story = await startFunction(t, [REPORT], {
    folder: 'defers',
    env: { POSTLUDE_SPOOL_DIR: folder, POSTLUDE_SPOOL_LIMIT: '300KiB' },
  });
  await checkTaken(story, 1);
  const why = /the spool is full: .* the 307200 of POSTLUDE_SPOOL_LIMIT; raise it, or give tasks .* a deadLetter$/;
  await checkRefused(story, 2, { type: 'SpoolFull', why, filler: LARGE + LARGE });
  assert.deepEqual(spooled(folder), []);
  // With its payload the task does not fit beside the event; the one that follows it does.
  const said = await defer(story, [{ ...INLINE, payload: LARGE }, INLINE]);
  assert.deepEqual(said.map(({ status }) => status), [503, 202]);
  const receipt = await story.receipt(3);
  assert.deepEqual(receipt.tasks.map(({ state }) => state), ['done', 'done']);
  await frozenAfter(story, receipt);
  assert.deepEqual(spooled(folder), []);
});

test('a limit is not reached by what has ended', async (t) => {
  const folder = temporaryFolder(t);
  const story = await startFunction(t, [REPORT], {
    folder: 'defers',
    env: { POSTLUDE_SPOOL_DIR: folder, POSTLUDE_SPOOL_LIMIT: '300KiB' },
  });
  for (let nth = 1; nth <= 5; nth += 1) {
    await checkTaken(story, nth, LARGE);
  }
});

test('a file size limit', async (t) => {
  const folder = temporaryFolder(t);
  const story = await startFunction(t, [REPORT], {
    folder: 'defers',
    env: { POSTLUDE_SPOOL_DIR: folder },
    within: ['bash', '-c', 'ulimit -f 64 && exec "$@"', 'bash'], // KiB; a signal unless ignored
  });
  await checkRefused(story, 1, { type: 'SpoolFull', why: /: File too large$/, filler: LARGE });
  assert.deepEqual(spooled(folder), []);
  await checkTaken(story, 2);
});

test('a file system that becomes read-only', { skip: withoutMounts }, async (t) => {
  const story = await startOnDisk(t, 'size=1m');
  await frozenAfter(story, await checkTaken(story, 1));
  story.remount('ro');
  await checkRefused(story, 2, { type: 'SpoolUnavailable', why: /: Read-only file system$/ });
  story.remount('rw');
  await checkTaken(story, 3);
});

test('a file system that is read-only from the start', { skip: withoutMounts }, async (t) => {
  const story = await startOnDisk(t, 'ro');
  await checkRefused(story, 1, { type: 'SpoolUnavailable', why: /: Read-only file system$/ });
  assert.ok(story.lambda.log.some((line) => line.includes('POSTLUDE_SPOOL_DIR: ') && line.includes('cannot be kept')));
});

test('a folder of somebody else', { skip: withoutMounts }, async (t) => {
  const story = await startOnDisk(t, 'uid=12345,mode=0777');
  const why = / belongs to another user \(12345\); name a folder of this user$/;
  await checkRefused(story, 1, { type: 'SpoolUnavailable', why });
  assert.deepEqual(readdirSync(story.disk), []);
});
