// What one invocation without tasks costs in system calls: a stall or a needless wake-up of the
// plain path shows here first, whatever the machine is doing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { exchange } from './bytes.mjs';
import { quietTime } from './patience.mjs';
import { eventMessage, kAccepted, nextRequest, Platform, responseMessage } from './platform.mjs';
import { bareLayer, folder, realLayer, sanitized, Shim } from './shim.mjs';

const kBody = JSON.stringify({ text: 'x'.repeat(1000) });
const kInvocations = 50;

// Every hop (next up, event down, response up, acknowledgement down) is a wake-up, a read, a write.
const kRelayOnly = { poll: 4, recvfrom: 4, sendto: 4 };

function unavailable() {
  if (sanitized) {
    return 'a sanitizer makes calls of its own';
  }
  const probe = spawnSync('strace', ['-o', '/dev/null', 'true']);
  return probe.status === 0 ? null : `strace cannot trace here: ${probe.error ?? probe.stderr}`;
}

// Finished calls by name; the one that the shim waits in is not finished.
function count(file) {
  const counts = {};
  for (const [, name] of fs.readFileSync(file, 'latin1').matchAll(/^(\w+)\(.* = /gm)) {
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

async function callsPerInvocation(t, layer) {
  const platform = await Platform.start();
  t.after(() => platform.stop());
  const trace = path.join(folder, `trace-${path.basename(layer)}`);
  const traced = path.join(folder, `traced-${path.basename(layer)}`);
  fs.writeFileSync(traced, `#!/bin/sh\nexec strace -D -o ${trace} ${layer}/postlude "$@"\n`, { mode: 0o755 });
  const shim = await Shim.start(t, platform, { layer: folder, program: path.basename(traced) });
  const runtime = await shim.runtime(t);
  let upstream = null;
  const invoke = async (times) => {
    for (let i = 0; i < times; i += 1) {
      upstream = await exchange(platform, runtime, nextRequest(), eventMessage(`id-${i}`, kBody), upstream);
      await exchange(platform, runtime, responseMessage(`id-${i}`, kBody), kAccepted, upstream);
    }
    await quietTime(); // the trace is written behind the shim
  };
  await invoke(5);
  const before = count(trace);
  await invoke(kInvocations);
  const after = count(trace);
  const calls = Object.keys(after)
    .map((name) => [name, (after[name] - (before[name] ?? 0)) / kInvocations])
    .filter(([, each]) => each > 0)
    .sort(([, a], [, b]) => b - a);
  t.diagnostic(calls.map(([name, each]) => `${name} ${each.toFixed(2)}`).join(', '));
  return Object.fromEntries(calls);
}

test('the relay alone costs a poll, a read and a write a hop', async (t) => {
  const reason = unavailable();
  if (reason) {
    t.skip(reason);
    return;
  }
  const calls = await callsPerInvocation(t, bareLayer);
  for (const [name, each] of Object.entries(calls)) {
    assert.ok(each <= (kRelayOnly[name] ?? 0) + 0.1, `${name}: ${each} an invocation`);
  }
});

test('with the extension, an invocation without tasks costs little more', async (t) => {
  const reason = unavailable();
  if (reason) {
    t.skip(reason);
    return;
  }
  const calls = await callsPerInvocation(t, realLayer);
  const total = Object.values(calls).reduce((sum, each) => sum + each, 0);
  assert.ok(total <= 15.1, `${total} calls an invocation`);
});
