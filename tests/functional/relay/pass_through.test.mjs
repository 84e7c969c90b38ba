// Where there is nothing to do for us, the command runs as if we were not there; where the
// configuration is bad, nothing runs and the platform is told.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { answer, kAccepted } from './platform.mjs';
import { bareLayer, environment, folder, Program } from './shim.mjs';
import { startPlatform } from './scene.mjs';

const kPostlude = path.join(bareLayer, 'postlude');
const kShow = [
  'sh',
  '-c',
  'echo "pid=$$ api=$AWS_LAMBDA_RUNTIME_API postlude=$POSTLUDE_API kept=$KEPT args=$0,$1,$2"; exit 9',
  'a b',
  '',
  '*',
];

for (const [why, env, warning] of [
  ['POSTLUDE_DISABLED=1', { POSTLUDE_DISABLED: '1', AWS_LAMBDA_RUNTIME_API: '127.0.0.1:1' }, null],
  ['POSTLUDE_DISABLED=1 and a bad setting', { POSTLUDE_DISABLED: '1', AWS_LAMBDA_RUNTIME_API: '127.0.0.1:1', POSTLUDE_CONCURRENCY: 'x' }, null],
  ['no AWS_LAMBDA_RUNTIME_API', {}, /AWS_LAMBDA_RUNTIME_API is not set/],
  ['a shim above it already', { POSTLUDE_API: 'http://127.0.0.1:1/postlude/v1', AWS_LAMBDA_RUNTIME_API: '127.0.0.1:1' }, /already under Postlude/],
]) {
  test(`with ${why} the command is executed as it is`, async (t) => {
    const program = new Program(t, kPostlude, kShow, { env: environment(null, { KEPT: 'x=y z', ...env }) });
    const end = await program.ended();
    assert.equal(end.status, 9);
    const lines = program.stdout.trim().split('\n');
    const shown = lines.pop();
    // The same process: nothing of us stays above it.
    assert.equal(
      shown,
      `pid=${program.pid} api=${env.AWS_LAMBDA_RUNTIME_API ?? ''} postlude=${env.POSTLUDE_API ?? ''} kept=x=y z args=a b,,*`,
    );
    if (warning) {
      assert.equal(lines.length, 1);
      const line = JSON.parse(lines[0]);
      assert.equal(line.postlude, 'log');
      assert.equal(line.level, 'WARN');
      assert.match(line.message, warning);
    } else {
      assert.deepEqual(lines, []);
    }
    assert.equal(program.stderr, '');
  });
}

test('a runtime under two shims talks through one: the inner one steps aside', async (t) => {
  const platform = await startPlatform(t);
  const program = new Program(t, kPostlude, [kPostlude, 'sh', '-c', 'echo "api=$POSTLUDE_API"'], {
    env: environment(platform),
  });
  assert.equal((await program.ended()).status, 0);
  assert.match(program.stdout, /already under Postlude/);
  assert.match(program.stdout, /^api=http:\/\/127\.0\.0\.1:\d+\/postlude\/v1$/m);
});

test('bootstrap without arguments runs $LAMBDA_TASK_ROOT/$_HANDLER', async (t) => {
  const platform = await startPlatform(t);
  const root = fs.mkdtempSync(path.join(folder, 'task-'));
  fs.writeFileSync(path.join(root, 'main'), '#!/bin/sh\necho "I am $0 with $# arguments, api $AWS_LAMBDA_RUNTIME_API"\nexit 6\n', {
    mode: 0o755,
  });
  const program = new Program(t, path.join(bareLayer, 'bootstrap'), [], {
    env: environment(platform, { LAMBDA_TASK_ROOT: root, _HANDLER: 'main' }),
  });
  assert.equal((await program.ended()).status, 6);
  assert.match(program.stdout, new RegExp(`I am ${root}/main with 0 arguments, api 127\\.0\\.0\\.1:\\d+`));
});

test('bootstrap without a handler says what is missing', async (t) => {
  const platform = await startPlatform(t);
  const program = new Program(t, path.join(bareLayer, 'bootstrap'), [], {
    env: environment(platform, { _HANDLER: undefined }),
  });
  assert.notEqual((await program.ended()).status, 0);
  assert.match(program.stderr, /_HANDLER is not set/);
});

test('POSTLUDE_EXEC_WRAPPER is started with the command', async (t) => {
  const platform = await startPlatform(t);
  const wrapper = path.join(folder, 'wrapper');
  fs.writeFileSync(wrapper, '#!/bin/sh\necho "wrapping $# arguments: $*, api $AWS_LAMBDA_RUNTIME_API"\nexec "$@"\n', { mode: 0o755 });
  const program = new Program(t, kPostlude, ['sh', '-c', 'exit 8'], {
    env: environment(platform, { POSTLUDE_EXEC_WRAPPER: wrapper }),
  });
  assert.equal((await program.ended()).status, 8);
  assert.match(program.stdout, /wrapping 3 arguments: sh -c exit 8, api 127\.0\.0\.1:\d+/);
});

test('a bad configuration is posted as an init error and logged, and nothing runs', async (t) => {
  const platform = await startPlatform(t);
  const mark = path.join(folder, 'must-not-exist');
  const program = new Program(t, kPostlude, ['touch', mark], {
    env: environment(platform, {
      POSTLUDE_TASKS: '[{"name":"a","comand":["x"]}]',
      POSTLUDE_CONCURRENCY: '0',
      POSTLUDE_DEADLINE_MARGIN: 'soon',
    }),
  });
  const upstream = await platform.connection();
  const head = (await upstream.readHead()).toString();
  assert.match(head, /^POST \/2018-06-01\/runtime\/init\/error HTTP\/1\.1\r\n/);
  assert.match(head, /^Lambda-Runtime-Function-Error-Type: Runtime\.PostludeConfigError\r$/im);
  assert.match(head, /^Content-Type: application\//im);
  const body = (await upstream.read(Number(/^content-length: (\d+)/im.exec(head)[1]))).toString();
  await upstream.send(kAccepted);
  assert.equal((await program.ended()).status, 1);
  const { errorType, errorMessage } = JSON.parse(body);
  assert.equal(errorType, 'Postlude.ConfigError');
  const problems = errorMessage.split('\n');
  for (const wanted of [
    /^POSTLUDE_TASKS:1:\d+: unknown key "comand", did you mean "command"\?$/,
    /^POSTLUDE_CONCURRENCY: /,
    /^POSTLUDE_DEADLINE_MARGIN: /,
  ]) {
    assert.ok(problems.some((problem) => wanted.test(problem)), `${wanted} in ${errorMessage}`);
  }
  const logged = program.logLines();
  assert.deepEqual(
    logged.map((line) => line.message),
    problems,
  );
  assert.ok(logged.every((line) => line.level === 'ERROR' && line.postlude === 'log'));
  assert.ok(!fs.existsSync(mark));
});

test('a bad configuration fails the init also if the platform refuses to hear of it', async (t) => {
  for (const reply of [answer('403 Forbidden', '{}'), '']) {
    const platform = await startPlatform(t);
    const program = new Program(t, kPostlude, ['true'], { env: environment(platform, { POSTLUDE_CONCURRENCY: '-1' }) });
    const upstream = await platform.connection();
    if (reply) {
      await upstream.send(reply);
    } else {
      upstream.close();
    }
    assert.equal((await program.ended()).status, 1);
    assert.match(program.stdout, /init\/error/);
  }
});

test('an address that cannot be used: the command runs without us', async (t) => {
  for (const address of ['nonsense', '127.0.0.1:notaport', ':9001']) {
    const program = new Program(t, kPostlude, ['sh', '-c', 'echo "api=$AWS_LAMBDA_RUNTIME_API"; exit 3'], {
      env: environment(null, { AWS_LAMBDA_RUNTIME_API: address }),
    });
    assert.equal((await program.ended()).status, 3);
    assert.match(program.stdout, new RegExp(`^api=${address}$`, 'm'));
    assert.match(program.stdout, /the function runs without Postlude/);
  }
});

test('--version, --help and --check answer without a platform', async (t) => {
  const ask = async (args, input) => {
    const program = new Program(t, kPostlude, args, { env: environment(null), stdio: ['pipe', 'pipe', 'pipe'] });
    program.child.stdin.on('error', () => {});
    program.child.stdin.end(input ?? '');
    const { status } = await program.ended();
    return { status, stdout: program.stdout, stderr: program.stderr };
  };
  const version = await ask(['--version']);
  assert.equal(version.status, 0);
  assert.match(version.stdout, /^postlude \d+\.\d+\.\d+\n$/);
  const help = await ask(['--help']);
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--check/);

  const good = path.join(folder, 'good.json');
  fs.writeFileSync(good, '[{"name": "report", "command": ["bin/report"]}]');
  assert.deepEqual(await ask(['--check', good]), { status: 0, stdout: '', stderr: '' });
  assert.equal((await ask(['--check', '-'], fs.readFileSync(good))).status, 0);

  const bad = path.join(folder, 'bad.json');
  fs.writeFileSync(bad, '[\n  {"name": "report", "comand": ["bin/report"]}\n]');
  const problems = await ask(['--check', bad]);
  assert.equal(problems.status, 1);
  assert.match(problems.stdout, new RegExp(`^${bad}:2:\\d+: unknown key "comand"`, 'm'));
  const unknown = await ask(['--chek']);
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /unknown option --chek/);
});
