// What an invocation and a task may cost, in system calls, wake-ups and bytes that are copied: the budgets of the
// plain path. A figure that grows by one call an invocation fails here, on a slow machine as on a quick one.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { systemCalls, wakeUps } from './system_calls.mjs';
import { sanitized } from './task_story.mjs';

process.env.POSTLUDE_BENCH ??= path.join(process.env.POSTLUDE_BIN_DIR, 'postlude-bench');
process.env.POSTLUDE_LAYER ??= process.env.POSTLUDE_LAYER_DIR;
const { postlude, telling, withContestants } = await import('../bench/contestants.mjs');

const INVOCATIONS = 200;
// Of so many invocations: what the beginning and the end of counting add, and a second turn now and then.
const SLACK = 0.1;
const KIB = 1024;
const skip = sanitized ? 'a sanitizer makes calls of its own' : process.getuid() === 0 ? false : 'only root may trace what it has not started';

// {shim, extension}, each {calls, bytes, wakeUps}: an invocation's share.
async function costs(t, { tasks, ...asked }) {
  const contestant = postlude({ tasks });
  return withContestants([contestant], async () => {
    const { between: shim, extension } = contestant.processes;
    const play = () => contestant.batch({ invocations: INVOCATIONS, ...asked });
    const woken = await wakeUps({ shim, extension }, play);
    const counts = await systemCalls({ shim, extension }, play);
    return Object.fromEntries(Object.entries(counts).map(([name, { calls, bytes, names }]) => {
      const share = { calls: calls / INVOCATIONS, wakeUps: woken[name] / INVOCATIONS, bytes: bytes / INVOCATIONS };
      const often = Object.entries(names).filter(([, count]) => count >= INVOCATIONS / 2).map(([call, count]) => `${call} ${(count / INVOCATIONS).toFixed(1)}`);
      t.diagnostic(`${name}: ${share.calls.toFixed(2)} system calls (${often.join(', ')}), ${share.wakeUps.toFixed(2)} wake-ups, ${share.bytes.toFixed(0)} bytes`);
      return [name, share];
    }));
  }, { warmUp: { invocations: 50, ...asked } });
}

function within(what, found, budget) {
  for (const [name, most] of Object.entries(budget)) {
    assert.ok(found[name] <= most + SLACK, `${what}: ${found[name]} ${name} an invocation, at most ${most}`);
  }
}

test('an invocation without tasks', { skip }, async (t) => {
  const { shim, extension } = await costs(t, { event: KIB, answer: KIB });
  within('the shim', shim, { calls: 14, wakeUps: 3 });
  within('the extension', extension, { calls: 6, wakeUps: 1 });
});

test('a byte of a payload is copied in once and out once', { skip }, async (t) => {
  const small = await costs(t, { event: KIB, answer: KIB });
  const large = await costs(t, { event: 65 * KIB, answer: 65 * KIB });
  const copies = (large.shim.bytes - small.shim.bytes) / (2 * 64 * KIB);
  assert.ok(copies <= 2.01, `${copies} copies of each byte`);
  assert.ok(large.extension.bytes - small.extension.bytes < 1, 'the extension sees no payload');
});

test('a task', { skip }, async (t) => {
  const { shim, extension } = await costs(t, {
    event: KIB, answer: KIB, tasks: (socket) => [{ name: 'telling', command: telling(socket) }],
  });
  within('the shim', shim, { calls: 37, wakeUps: 4 });
  within('the extension', extension, { calls: 82, wakeUps: 4 });
});

test('a task that the function defers', { skip }, async (t) => {
  const { shim, extension } = await costs(t, {
    event: KIB, answer: KIB, defer: 1, tasks: (socket) => [{ name: 'deferred', trigger: 'demand', command: telling(socket) }],
  });
  within('the shim', shim, { calls: 37, wakeUps: 5 });
  within('the extension', extension, { calls: 76, wakeUps: 4 });
});
