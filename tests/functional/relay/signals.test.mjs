// Signals and process groups: the runtime gets each signal once, and nobody is left behind.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { assertSameBytes } from './bytes.mjs';
import { quietTime } from './patience.mjs';
import { eventMessage, kAccepted, nextRequest, responseMessage } from './platform.mjs';
import { bareLayer, environment, Program } from './shim.mjs';
import { alive, gone, run } from './processes.mjs';
import { startPlatform, startShim } from './scene.mjs';

async function parkPoll(platform, shim) {
  await shim.agent.order('connect', { name: 'a' });
  await shim.agent.order('send', { name: 'a', text: nextRequest() });
  const upstream = await platform.connection();
  await upstream.read(nextRequest().length);
  return upstream;
}

test('a runtime that is stopped and goes on has not ended', async (t) => {
  const { platform, shim } = await startShim(t);
  const upstream = await parkPoll(platform, shim);
  process.kill(shim.agent.about.pid, 'SIGSTOP');
  await quietTime();
  assert.equal(shim.child.exitCode, null);
  assert.equal(upstream.ending, null);
  const event = eventMessage('id', '{}');
  await upstream.send(event);
  process.kill(shim.agent.about.pid, 'SIGCONT');
  const { text } = await shim.agent.order('read', { name: 'a', size: event.length });
  assert.equal(text, event.toString('latin1'));
});

test('a parked poll outlasts a freeze of everything', async (t) => {
  const { platform, shim } = await startShim(t);
  const upstream = await parkPoll(platform, shim);
  const all = [shim.agent.about.pid, shim.pid];
  all.forEach((pid) => process.kill(pid, 'SIGSTOP'));
  await quietTime();
  const event = eventMessage('id', '{}');
  await upstream.send(event);
  all.reverse().forEach((pid) => process.kill(pid, 'SIGCONT'));
  const { text } = await shim.agent.order('read', { name: 'a', size: event.length });
  assert.equal(text, event.toString('latin1'));
});

test('an answer given after SIGTERM arrives', async (t) => {
  const { platform, shim } = await startShim(t);
  const upstream = await parkPoll(platform, shim);
  const event = eventMessage('id', '{}');
  await upstream.send(event);
  await shim.agent.order('read', { name: 'a', size: event.length });
  process.kill(shim.pid, 'SIGTERM');
  await shim.agent.signalled(1);
  const response = responseMessage('id', 'last').toString('latin1');
  shim.agent.tell('send_and_exit', { name: 'a', text: response, status: 0 });
  assertSameBytes(await upstream.read(response.length), response);
  await upstream.send(kAccepted);
  assert.equal((await shim.ended()).status, 0);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2']) {
  // The platform signals the process or its group.
  for (const [target, sign] of [
    ['process', 1],
    ['group', -1],
  ]) {
    test(`${signal} to the shim's ${target} reaches the runtime exactly once`, async (t) => {
      const { shim } = await startShim(t);
      process.kill(sign * shim.pid, signal);
      await shim.agent.signalled(1);
      await quietTime();
      assert.deepEqual(shim.agent.signals, [signal]);
      await shim.agent.order('write_file', { fd: 1, text: 'still here' });
      shim.agent.tell('exit', { status: 0 });
      assert.equal((await shim.ended()).status, 0);
    });
  }
}

test('SIGTERM twice, to the process and to the group, reaches the runtime once', async (t) => {
  const { shim } = await startShim(t);
  process.kill(shim.pid, 'SIGTERM');
  await shim.agent.signalled(1);
  process.kill(-shim.pid, 'SIGTERM');
  await quietTime();
  assert.deepEqual(shim.agent.signals, ['SIGTERM']);
  shim.agent.tell('exit', { status: 7 });
  assert.equal((await shim.ended()).status, 7);
});

test('a runtime that ignores SIGTERM is ended before the platform would kill the shim', async (t) => {
  const { shim } = await startShim(t);
  const began = performance.now();
  process.kill(shim.pid, 'SIGTERM');
  const end = await shim.ended();
  assert.ok(end.at - began >= 200, `${end.at - began} ms`);
  await gone(shim.agent.about.pid);
});

test('helpers in the runtime\'s group do not survive the runtime', async (t) => {
  const { shim } = await startShim(t);
  const { pid } = await shim.agent.order('start_child');
  assert.ok(alive(pid));
  shim.agent.tell('exit', { status: 0 });
  assert.equal((await shim.ended()).status, 0);
  await gone(pid);
});

test('a helper that holds the runtime\'s connections open does not keep the shim', async (t) => {
  const { platform, shim } = await startShim(t);
  await shim.agent.order('connect', { name: 'a' });
  await shim.agent.order('send', { name: 'a', text: nextRequest() });
  await platform.connection();
  const { pid } = await shim.agent.order('start_child', { detached: true });
  shim.agent.tell('exit', { status: 0 });
  assert.equal((await shim.ended()).status, 0);
  if (alive(pid)) {
    process.kill(pid, 'SIGKILL');
  }
});

test('the runtime dies with a shim that is killed', async (t) => {
  const { shim } = await startShim(t);
  process.kill(shim.pid, 'SIGKILL');
  await gone(shim.agent.about.pid);
});

test('the runtime leads a group of its own, with default signals and an empty mask', async (t) => {
  const { platform, shim } = await startShim(t);
  assert.equal(shim.agent.about.group, shim.agent.about.pid);
  assert.equal(shim.agent.about.parent, shim.pid);
  const program = run(t, platform, ['grep', '^Sig', '/proc/self/status']);
  await program.ended();
  assert.match(program.stdout, /^SigBlk:\s+0+$/m);
  assert.match(program.stdout, /^SigIgn:\s+0+$/m);
});

test('the end of the runtime is seen though SIGCHLD was ignored by whoever started the shim', async (t) => {
  const platform = await startPlatform(t);
  const ignoring = "trap '' CHLD; exec \"$0\" sh -c 'exit 5'";
  const program = new Program(t, 'bash', ['-c', ignoring, path.join(bareLayer, 'postlude')], {
    env: environment(platform),
  });
  assert.equal((await program.ended()).status, 5);
});
