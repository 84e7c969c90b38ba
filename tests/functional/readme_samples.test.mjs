// The samples of README.md that answer early from a handler, run as they stand there: the helper modules in their
// languages, the local API from a shell, Java and Go.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { accessSync, chmodSync, constants, cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { blocksFor } from './readme.mjs';
import { startFunction, temporaryFolder, tests } from './task_story.mjs';

const samples = blocksFor('readme_samples');
const WORK_MS = 950; // every sample works on for a second behind its answer; clocks may differ a little

const HELPERS = {
  Python: { language: 'python', file: 'index.py', handler: 'index.lambda_handler', runtime: 'python3.13' },
  'Node.js': { language: 'js', file: 'index.js', handler: 'index.handler', runtime: 'nodejs22.x' },
  Ruby: { language: 'ruby', file: 'index.rb', handler: 'index.lambda_handler', runtime: 'ruby3.4' },
};

function start(t, source, { file, handler, runtime }) {
  const folder = temporaryFolder(t);
  writeFileSync(path.join(folder, file), source);
  return startFunction(t, [], {
    folder,
    runtime,
    options: ['--handler', handler, '--url-mode', 'stream'],
    env: { PYTHONPATH: '/opt/python', PYTHONDONTWRITEBYTECODE: '1', RUBYLIB: '/opt/ruby/lib' },
  });
}

// For how long the first invocation went on when its caller had the whole answer.
async function workedOn(lambda) {
  const [answered, ended] = [await lambda.event('callerAnswered'), await lambda.event('invokeEnd')];
  assert.equal(ended.status, 'success');
  return ended.ms - answered.ms;
}

for (const [heading, helper] of Object.entries(HELPERS)) {
  const [atOnce, inPieces] = samples.take(heading, helper.language);

  test(`${heading}: respond() answers at once, after() runs when the answer is out`, async (t) => {
    const { lambda, invoke } = await start(t, atOnce, helper);
    const early = await invoke('{"now": true}');
    assert.deepEqual(JSON.parse(early.text), { statusCode: 202 });
    assert.ok(await workedOn(lambda) > WORK_MS);
    await lambda.line((line) => /\bstarted /.test(line));
    const late = await invoke('{}');
    assert.deepEqual(JSON.parse(late.text), { statusCode: 200, body: 'done' });
    await lambda.line((line) => /\bstarted /.test(line), 2);
  });

  test(`${heading}: in pieces`, async (t) => {
    const { lambda, call } = await start(t, inPieces, helper);
    const { status, text, headers } = await call();
    assert.deepEqual([status, headers.get('content-type'), text], [200, 'text/plain', '0\n1\n2\n']);
    assert.ok(await workedOn(lambda) > WORK_MS);
  });
}

// A runtime in a shell whose handler comes with the event; it runs programs in other languages.
async function scripted(t) {
  const folder = temporaryFolder(t);
  cpSync(path.join(tests, 'functions', 'scripted', 'main'), path.join(folder, 'main'));
  chmodSync(path.join(folder, 'main'), 0o755);
  const story = await startFunction(t, [{ name: 'audit', trigger: 'demand', command: ['sh', '-c', 'echo "audited $(cat)"'] }], {
    folder, runtime: 'provided', options: ['--handler', 'main', '--timeout', '60s'],
  });
  const run = async (script) => (await story.invoke(JSON.stringify({ script: Buffer.from(script).toString('base64') }))).text;
  return { story, run };
}

async function answersAndHandsOver(t, script) {
  const { story, run } = await scripted(t);
  assert.equal(await run(script), '{"statusCode": 202}');
  assert.equal((await story.outcome('audit')).state, 'done');
  return run;
}

// From where `begin` stands up to `end`, or to the end.
function part(text, begin, end = null) {
  const from = text.indexOf(begin);
  const to = end === null ? text.length : text.indexOf(end, from);
  assert.ok(from !== -1 && to !== -1, `"${begin}" or "${end}" does not stand there`);
  return text.slice(from, to);
}

const OTHERS = 'Every other language';

test('shell: it answers, answers in pieces and hands a task over', async (t) => {
  const [text] = samples.take(OTHERS, 'sh');
  const head = `head=$(mktemp)\nprintf 'Lambda-Runtime-Aws-Request-Id: %s\\r\\n' "$id" >"$head"\n${part(text, 'id=', '# answer now')}`;
  const run = await answersAndHandsOver(t, head + part(text, '# answer now', '# or answer in pieces') + part(text, '# hand a task over'));
  const pieces = part(text, '# or answer in pieces', '# hand a task over');
  assert.equal(await run(`produce() { echo first; echo second; }\n${head}${pieces}`), 'first\nsecond\n');
});

// Why programs of that compiler cannot be tried here, or false.
function without(program) {
  try {
    accessSync(program, constants.X_OK);
    return false;
  } catch {
    return `there is no ${program}`;
  }
}

test('Java: it answers, answers in pieces and hands a task over', { skip: without('/usr/bin/java') }, async (t) => {
  const [members, statements] = samples.take(OTHERS, 'java');
  const folder = temporaryFolder(t);
  const program = (name, body) => {
    const file = path.join(folder, `${name}.java`);
    writeFileSync(file, `import java.net.*;\nimport java.net.http.*;\nimport java.nio.ByteBuffer;\nimport java.util.concurrent.*;\n
class ${name} {\n${members}public static void main(String[] arguments) throws Exception {\nvar id = arguments[0];\n${body}}\n}\n`);
    return `/usr/bin/java ${file} $id 2>&1\n`;
  };
  const run = await answersAndHandsOver(t, program('AtOnce', part(statements, 'var json', 'var pieces')));
  assert.equal(await run(program('InPieces', part(statements, 'var pieces'))), 'a piece');
});

test('Go: it answers, answers in pieces and hands a task over', { skip: without('/usr/bin/go') }, async (t) => {
  const [functions, statements] = samples.take(OTHERS, 'go');
  const folder = temporaryFolder(t);
  const env = { ...process.env, HOME: folder, GOFLAGS: '-mod=mod', GO111MODULE: 'off', GOCACHE: path.join(folder, 'cache') };
  const program = (name, imports, body) => {
    const file = path.join(folder, `${name}.go`);
    const check = 'if err != nil {\npanic(err)\n}\n';
    writeFileSync(file, `package main\nimport (\n${imports.map((one) => `"${one}"\n`).join('')})\n${functions}\nfunc main() {\nid := os.Args[1]\n${body}${check}}\n`);
    execFileSync('/usr/bin/go', ['build', '-o', path.join(folder, name), file], { cwd: folder, env, stdio: 'pipe' });
    return `${path.join(folder, name)} $id 2>&1\n`;
  };
  const needed = ['fmt', 'io', 'net/http', 'os'];
  const run = await answersAndHandsOver(t, program('at_once', [...needed, 'strings'], part(statements, 'json :=', 'reader, writer')));
  const pieces = part(statements, 'reader, writer').replace('err = post', 'err := post');
  assert.equal(await run(program('in_pieces', needed, pieces)), 'a piece\n');
});

samples.closing();
