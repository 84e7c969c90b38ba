// The shim as a process: the runtime under it lives, gets signals and ends as it would without us.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { assertSameBytes, exchange } from './bytes.mjs';
import { quietTime, within } from './patience.mjs';
import { eventMessage, kAccepted, kRuntimePath, nextRequest, postMessage, responseMessage } from './platform.mjs';
import { bareLayer, environment, folder, Program, sanitized, Shim } from './shim.mjs';
import { gone, run } from './processes.mjs';
import { startPlatform, startShim } from './scene.mjs';

const kStreamHead = `POST ${kRuntimePath}invocation/id/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;

for (const status of [0, 1, 3, 137, 255]) {
  test(`a runtime that exits with ${status}: so does the shim`, async (t) => {
    const program = run(t, await startPlatform(t), ['sh', '-c', `exit ${status}`]);
    const { status: seen, signal } = await program.ended();
    assert.deepEqual({ seen, signal }, { seen: status, signal: null });
  });
}

for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGTERM', 'SIGPIPE', 'SIGHUP']) {
  test(`a runtime that dies of ${signal}: so does the shim, without a core file`, async (t) => {
    const cwd = fs.mkdtempSync(path.join(folder, 'core-'));
    const program = run(t, await startPlatform(t), ['sh', '-c', `ulimit -c 0; kill -${signal.slice(3)} $$`], { cwd });
    const end = await program.ended();
    assert.deepEqual([end.status, end.signal], [null, signal]);
    assert.deepEqual(fs.readdirSync(cwd), []);
  });
}

test('the shim writes no core file of its own for a runtime that crashed', async (t) => {
  const platform = await startPlatform(t);
  const watch = [
    'import os, resource, sys',
    '_, most = resource.getrlimit(resource.RLIMIT_CORE)',
    'resource.setrlimit(resource.RLIMIT_CORE, (most, most))',
    'pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)',
    'status = os.waitpid(pid, 0)[1]',
    'print("signal", os.WTERMSIG(status), "core", os.WCOREDUMP(status), "limit", most)',
  ].join('\n');
  const crash = [path.join(bareLayer, 'postlude'), 'sh', '-c', 'ulimit -c 0; kill -ABRT $$'];
  const program = new Program(t, 'python3', ['-c', watch, ...crash], {
    env: environment(platform),
    cwd: fs.mkdtempSync(path.join(folder, 'core-')),
  });
  await program.ended();
  assert.match(program.stdout, /signal 6 core False/);
});

test('with the standard descriptors closed the relay works, and the runtime finds them closed', async (t) => {
  const platform = await startPlatform(t);
  const list = path.join(folder, 'open-descriptors');
  const runtime = path.join(folder, 'runtime-of-closed');
  // ls opens the folder itself, with the lowest free number.
  fs.writeFileSync(
    runtime,
    `#!/bin/sh\nls /proc/self/fd 3>${list} >&3 3>&-\nexec "$@" </dev/null >/dev/null 2>&1\n`,
    { mode: 0o755 },
  );
  fs.writeFileSync(
    path.join(folder, 'closed'),
    `#!/bin/bash\nexec 0<&- 1>&- 2>&-\nexec ${path.join(bareLayer, 'postlude')} ${runtime} "$@"\n`,
    { mode: 0o755 },
  );
  const shim = await Shim.start(t, platform, { layer: folder, program: 'closed' });
  const upstream = await exchange(platform, await shim.runtime(t), nextRequest(), eventMessage('id', '{}'));
  assert.equal(upstream.buffered, 0);
  const standard = fs.readFileSync(list, 'latin1').trim().split('\n').filter((fd) => Number(fd) < 3);
  assert.deepEqual(standard, ['0', '1']);
});

test('the end of the runtime is repeated within 20 ms, parked poll and cut response or not', async (t) => {
  const latencies = [];
  for (let round = 0; round < 8; round += 1) {
    const { platform, shim } = await startShim(t);
    await shim.agent.order('connect', { name: 'a' });
    await shim.agent.order('send', { name: 'a', text: nextRequest() });
    const upstream = await platform.connection();
    await upstream.read(nextRequest().length);
    if (round % 2 === 1) {
      await upstream.send(eventMessage('id', '{}'));
      await shim.agent.order('read', { name: 'a', size: 10 });
      await shim.agent.order('send', { name: 'a', text: `${kStreamHead}5\r\nhello\r\n` });
      await upstream.read(kStreamHead.length + 10);
    }
    const died = performance.now();
    process.kill(shim.agent.about.pid, 'SIGKILL');
    const end = await shim.ended();
    latencies.push(end.at - died);
    assert.equal(end.signal, 'SIGKILL');
    const { rest } = await upstream.readToEnd();
    assert.equal(rest.length, 0, 'a cut response was completed');
  }
  latencies.sort((a, b) => a - b);
  t.diagnostic(`from kill to the shim's end: ${latencies.map((ms) => ms.toFixed(1)).join(' ')} ms`);
  // One of them undisturbed by whatever else this machine does.
  assert.ok(sanitized || latencies[0] <= 20, `${latencies[0]} ms`);
});

test('a runtime killed in the middle of its response: the platform sees a cut', async (t) => {
  const { platform, shim } = await startShim(t);
  await shim.agent.order('connect', { name: 'a' });
  await shim.agent.order('send', { name: 'a', text: nextRequest() });
  const upstream = await platform.connection();
  await upstream.read(nextRequest().length);
  await upstream.send(eventMessage('id', '{}'));
  await shim.agent.order('send', { name: 'a', text: `${kStreamHead}5\r\nhel` });
  shim.agent.tell('die', { signal: 'SIGKILL' });
  const { rest } = await upstream.readToEnd();
  assertSameBytes(rest, `${kStreamHead}5\r\nhel`);
  assert.equal((await shim.ended()).signal, 'SIGKILL');
});

for (const [what, message] of [
  ['an init error', postMessage('init/error', '{"errorType":"Init.Broken"}', ['Lambda-Runtime-Function-Error-Type: Runtime.X'])],
  ['a restore error', postMessage('restore/error', '{"errorType":"Hook.Broken"}')],
  ['an error of an invocation', postMessage('invocation/id/error', '{"errorType":"Handler.Broken"}')],
  ['a response', responseMessage('id', '{"last":"words"}')],
]) {
  test(`${what} posted by a runtime that exits at once arrives, though the platform is slow`, async (t) => {
    const { platform, shim } = await startShim(t);
    await shim.agent.order('connect', { name: 'a' });
    await shim.agent.order('send', { name: 'a', text: nextRequest() });
    const poll = await platform.connection();
    await poll.read(nextRequest().length);
    await poll.send(eventMessage('id', '{}'));
    await shim.agent.order('connect', { name: 'b' });
    shim.agent.tell('send_and_exit', { name: 'b', text: message.toString('latin1'), status: 1 });
    const upstream = await platform.connection();
    assertSameBytes(await upstream.read(message.length), message);
    // Longer than a runtime's death may take to be reported: its last word is answered first.
    await quietTime(200);
    assert.equal(upstream.ending, null, 'the shim did not wait for the answer');
    await upstream.send(kAccepted);
    const end = await shim.ended();
    assert.equal(end.status, 1);
    await upstream.readToEnd();
    assert.equal(upstream.ending, 'fin');
  });
}

test('a last word that the platform never answers delays the end of the shim by seconds at most', async (t) => {
  const { platform, shim } = await startShim(t);
  await shim.agent.order('connect', { name: 'a' });
  shim.agent.tell('send_and_exit', { name: 'a', text: postMessage('init/error', '{}').toString(), status: 4 });
  await platform.connection();
  const end = await within(shim.ended(), 'the shim to give up', 10_000);
  assert.equal(end.status, 4);
});

test('every inherited descriptor reaches the runtime, the standard ones unchanged', async (t) => {
  const file = path.join(folder, 'inherited');
  fs.writeFileSync(file, 'from outside');
  const fd = fs.openSync(file, 'r');
  t.after(() => fs.closeSync(fd));
  const { shim } = await startShim(t, { stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'ignore', fd] });
  const { text } = await shim.agent.order('read_file', { fd: 5, size: 100 });
  assert.equal(text, 'from outside');
  shim.child.stdin.write('typed');
  assert.equal((await shim.agent.order('read_file', { fd: 0, size: 5 })).text, 'typed');
  await shim.agent.order('write_file', { fd: 1, text: 'to standard output\n' });
  await shim.printed('to standard output\n');
  await shim.agent.order('write_file', { fd: 2, text: 'to standard error' });
  shim.agent.tell('exit', { status: 0 });
  await shim.ended();
  assert.equal(shim.stderr, 'to standard error');
});

test('the shim opens no descriptor that the runtime could see', async (t) => {
  const platform = await startPlatform(t);
  const list = ['ls', '/proc/self/fd'];
  const behindUs = run(t, platform, list);
  await behindUs.ended();
  const alone = new Program(t, list[0], list.slice(1), { env: environment(null) });
  await alone.ended();
  assert.ok(behindUs.stdout.endsWith(`}\n${alone.stdout}`), behindUs.stdout);
});

test('O_NONBLOCK is set on none of the standard descriptors', async (t) => {
  const { shim } = await startShim(t, { stdio: ['pipe', 'pipe', 'pipe'] });
  for (const fd of [0, 1, 2]) {
    const flags = parseInt(/^flags:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${shim.pid}/fdinfo/${fd}`, 'latin1'))[1], 8);
    const before = parseInt(/^flags:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${shim.agent.about.pid}/fdinfo/${fd}`, 'latin1'))[1], 8);
    assert.equal(flags & 0o4000, before & 0o4000 & flags);
  }
});

test('the runtime finds the proxy and our own routes in its environment, the rest as it was', async (t) => {
  const { platform, shim } = await startShim(t, { env: { KEPT: 'a=b c', EMPTY: '' } });
  const { env, argv, cwd } = shim.agent.about;
  assert.match(env.AWS_LAMBDA_RUNTIME_API, /^127\.0\.0\.1:\d+$/);
  assert.notEqual(env.AWS_LAMBDA_RUNTIME_API, platform.address);
  assert.equal(env.POSTLUDE_API, `http://${env.AWS_LAMBDA_RUNTIME_API}/postlude/v1`);
  assert.equal(env.KEPT, 'a=b c');
  assert.equal(env.EMPTY, '');
  assert.equal(argv.length, 2);
  assert.equal(cwd, process.cwd());
});

test('proxy variables are ignored, and the platform may be given by name', async (t) => {
  const platform = await startPlatform(t);
  const nowhere = 'http://127.0.0.1:1';
  const shim = await Shim.start(t, null, {
    env: {
      AWS_LAMBDA_RUNTIME_API: `localhost:${platform.port}`,
      http_proxy: nowhere,
      HTTP_PROXY: nowhere,
      ALL_PROXY: nowhere,
    },
  });
  await exchange(platform, await shim.runtime(t), nextRequest(), eventMessage('id', '{}'));
});

test('connections beyond the descriptor limit wait and are served when others have gone', async (t) => {
  const platform = await startPlatform(t);
  const wrapper = path.join(folder, 'limited');
  fs.writeFileSync(wrapper, `#!/bin/bash\nulimit -n 48\nexec ${path.join(bareLayer, 'postlude')} "$@"\n`, { mode: 0o755 });
  const shim = await Shim.start(t, platform, { layer: folder, program: 'limited' });
  const wires = [];
  for (let i = 0; i < 60; i += 1) {
    wires.push(await shim.runtime(t));
  }
  const before = shim.cpuTime();
  await quietTime(300);
  assert.ok(shim.cpuTime() - before <= 60, 'the shim turns in circles');
  for (const wire of wires.splice(0, 59)) {
    wire.close();
  }
  await exchange(platform, wires[0], nextRequest(), eventMessage('id', '{}'));
});

test('a command that does not exist is reported, with status 127', async (t) => {
  const program = run(t, await startPlatform(t), ['/nowhere/runtime', 'x']);
  assert.equal((await program.ended()).status, 127);
  assert.match(program.stdout, /\/nowhere\/runtime does not exist/);
});

test('output of the runtime is complete when the shim has ended', async (t) => {
  const program = run(t, await startPlatform(t), ['sh', '-c', 'seq 1 20000']);
  await program.ended();
  const lines = program.stdout.split('\n').filter((line) => !line.startsWith('{'));
  assert.equal(lines.length, 20_001);
  assert.equal(lines[19_999], '20000');
});
