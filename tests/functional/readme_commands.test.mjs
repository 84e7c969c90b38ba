// The commands of README.md, executed as they stand there, in a folder in which `build` and `tests` are those of the
// repository. Runs in a network of its own (own_network), so that its ports are free.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import test, { after } from 'node:test';
import { blocksFor, repository } from './readme.mjs';

const { POSTLUDE_BIN_DIR, POSTLUDE_LAYER_DIR, POSTLUDE_TEST_TOOLS } = process.env;
const FIRST = 'First function in five minutes';
const PORT = 8080;
const commands = blocksFor('readme_commands');

const clone = mkdtempSync(path.join(os.tmpdir(), 'postlude-readme-'));
after(() => rmSync(clone, { recursive: true, force: true }));
symlinkSync(path.dirname(POSTLUDE_BIN_DIR), path.join(clone, 'build'));
symlinkSync(path.join(repository, 'tests'), path.join(clone, 'tests'));

// What a block of commands ends with: {status, text}, its two outputs in one.
function run(block) {
  const { status, stdout } = spawnSync('sh', ['-ec', `exec 2>&1\n${block}`], { cwd: clone, encoding: 'utf8' });
  return { status, text: stdout };
}

// A block that starts the local Lambda, as in a terminal of its own: its log, until the test is over.
async function start(t, block) {
  const child = spawn('sh', ['-c', `exec ${block}`], { cwd: clone, stdio: ['ignore', 'pipe', 'inherit'] });
  const log = [];
  let waiting = [];
  readline.createInterface(child.stdout).on('line', (line) => {
    log.push(line);
    waiting = waiting.filter((check) => !check());
  });
  t.after(async () => {
    child.kill('SIGINT');
    await once(child, 'close');
  });
  const line = (begin) => new Promise((resolve) => {
    const check = () => {
      const found = log.find((one) => one.startsWith(begin));
      if (found !== undefined) resolve(found);
      return found !== undefined;
    };
    if (!check()) waiting.push(check);
  });
  await line('listening');
  return { log, line };
}

const call = async (at = '/') => (await fetch(`http://127.0.0.1:${PORT}${at}`)).text();

// Without what differs from call to call.
const same = (line) => line
  .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
  .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
  .replace(/"(responseMs|heldMs|ms)":\d+/g, '"$1":N');

test(FIRST, async (t) => {
  const [make, begin, ask] = commands.take(FIRST, 'sh');
  const [transcript] = commands.take(FIRST, '');
  assert.deepEqual(run(make), { status: 0, text: '' });
  const { log, line } = await start(t, begin);
  const greeting = run(`${ask.trim()} -sS`);
  assert.deepEqual(greeting, { status: 0, text: 'Hello!\n' });
  assert.ok(!log.includes('noted: /first'), 'the greeting comes at once');
  await line('END ');
  const from = log.findIndex((one) => one.startsWith('START '));
  const to = log.findIndex((one) => one.startsWith('END '));
  assert.deepEqual(log.slice(from, to + 1).map(same), transcript.trim().split('\n').map(same));
});

async function auditedAnswer(t, block) {
  const { line } = await start(t, block);
  const answer = await call();
  await line('audited');
  assert.match(await line('{"postlude":"receipt"'), /"message":"deferred work: 1 done"/);
  return answer;
}

test('Package and managed runtime', async (t) => {
  const [begin] = commands.take('Package and managed runtime', 'sh');
  assert.equal(await auditedAnswer(t, begin), 'Hello!\n');
});

test('OS-only runtime', async (t) => {
  const [begin] = commands.take('OS-only runtime', 'sh');
  assert.match(await auditedAnswer(t, begin), /^\{"answered": ?"[0-9a-f-]{36}"\}$/);
});

// The instructions of a Dockerfile: {COPY: [[from, to], ...], ENV, RUN, ...}, what is JSON parsed.
function instructions(text) {
  const all = {};
  for (const line of text.trim().split('\n')) {
    const [, name, rest] = /^([A-Z]+) (.+)$/.exec(line);
    (all[name] ??= []).push(rest.startsWith('[') ? JSON.parse(rest) : rest.split(' '));
  }
  return all;
}

// What images have that this machine has not.
const PROGRAMS = {
  // As in AWS's base images: it starts the runtime with the handler that it is given.
  '/lambda-entrypoint.sh': `#!/bin/sh\n_HANDLER=$1\nexport _HANDLER\nexec python3 '${clone}/build/runtimes/python/bootstrap.py'\n`,
};
const PACKAGES = { 'aws-lambda-ric': POSTLUDE_TEST_TOOLS };
const TASK_ROOT = ['./', '${LAMBDA_TASK_ROOT}/'];

// Makes of a Dockerfile what can be made of it without Docker: the function's folder and the command that starts it.
function image(text, name) {
  const { FROM, COPY, RUN = [], ENV = [], ENTRYPOINT: [entry], CMD: [arguments_] } = instructions(text);
  assert.equal(FROM.length, 1);
  const folder = path.join(clone, name);
  mkdirSync(folder);
  for (const [npm, install, what, ...more] of RUN) {
    assert.deepEqual([npm, install, more], ['npm', 'install', []]);
    symlinkSync(PACKAGES[what], path.join(folder, 'node_modules'));
  }
  for (const [from, to] of COPY) {
    if (to === '/opt/') {
      assert.match(from, /^build\/layer\/(x86_64|arm64)\/$/);
    } else {
      assert.ok(TASK_ROOT.includes(to), to);
      assert.ok(existsSync(path.join(clone, from)), from);
      cpSync(path.join(clone, from), folder, { recursive: true });
    }
  }
  const program = (word) => {
    if (PROGRAMS[word]) {
      const place = path.join(folder, path.basename(word));
      writeFileSync(place, PROGRAMS[word]);
      chmodSync(place, 0o755);
      return place;
    }
    return word.replace(/^\/opt\//, `${POSTLUDE_LAYER_DIR}/`);
  };
  const variables = ENV.flatMap(([pair]) => ['--env', pair]);
  return [
    `'${POSTLUDE_BIN_DIR}/postlude-emulator' --layer '${POSTLUDE_LAYER_DIR}' --function '${folder}' --handler ${arguments_[0]}`,
    `--runtime "${[...entry.map(program), ...arguments_].join(' ')}" --url-port ${PORT} ${variables.join(' ')}`,
    `--env POSTLUDE_TASKS='[{"name": "audit", "command": ["sh", "-c", "echo audited"]}]'`,
  ].join(' ');
}

test('Container image', async (t) => {
  const [ofAws, other] = commands.take('Container image', 'dockerfile');
  await t.test('a base image of AWS', async (each) => {
    assert.equal(await auditedAnswer(each, image(ofAws, 'of-aws')), 'Hello!\n');
  });
  await t.test('another one', async (each) => {
    assert.notEqual(await auditedAnswer(each, image(other, 'other')), '');
  });
});

test('Check them', () => {
  const [check] = commands.take('Check them', 'sh');
  const [said] = commands.take('Check them', '');
  assert.deepEqual(run(check), { status: 1, text: said });
});

commands.closing();
