// Runtime identifiers: an ordinary function in each language, started as Lambda starts it.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { EmulatedFunction } from './emulated_function.mjs';
import { temporaryFolder } from './task_story.mjs';

const WRAPPER = '#!/bin/sh\necho "wrapped: $*"\nexec "$@"\n';

function packageOf(t, files) {
  const folder = temporaryFolder(t);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
    chmodSync(path.join(folder, name), 0o755);
  }
  return folder;
}

const functions = [
  {
    runtime: 'python3.13',
    handler: 'app/main.handler',
    files: { 'app/main.py': 'import os\ndef handler(event, context):\n    print("called as", context.function_name)\n    return {"got": event, "env": os.environ["AWS_EXECUTION_ENV"]}\n' },
    wrapped: /^wrapped: \S*python3 \S*\/runtimes\/python\/bootstrap\.py$/,
  },
  {
    runtime: 'nodejs22.x',
    handler: 'index.handler',
    files: { 'index.mjs': 'export const handler = async (event, context) => {\n  console.log("called as", context.functionName);\n  return { got: event, env: process.env.AWS_EXECUTION_ENV };\n};\n' },
    wrapped: /^wrapped: \S*\/runtimes\/nodejs\/node \S*\/runtimes\/nodejs\/bootstrap\.mjs$/,
  },
  {
    runtime: 'ruby3.4',
    handler: 'index.handler',
    files: { 'index.rb': 'def handler(event:, context:)\n  puts "called as #{context.function_name}"\n  { got: event, env: ENV["AWS_EXECUTION_ENV"] }\nend\n' },
    wrapped: /^wrapped: \S*ruby \S*\/runtimes\/ruby\/bootstrap\.rb$/,
  },
];

for (const { runtime, handler, files, wrapped } of functions) {
  test(`${runtime} runs an ordinary function, and a wrapper gets its interpreter and script`, async (t) => {
    const layer = packageOf(t, { wrapper: WRAPPER });
    const lambda = await EmulatedFunction.start(t, [
      '--function', packageOf(t, files), '--runtime', runtime, '--handler', handler, '--layer', layer,
      '--name', 'orders', '--env', 'AWS_LAMBDA_EXEC_WRAPPER=/opt/wrapper',
    ]);
    const { status, text } = await lambda.invoke({ order: 7 });
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), { got: { order: 7 }, env: `AWS_Lambda_${runtime}` });
    assert.match(await lambda.line((line) => line.startsWith('wrapped: ')), wrapped);
    await lambda.line((line) => line.includes('called as orders'));
  });

  test(`${runtime} works under Postlude's own layer`, async (t) => {
    const lambda = await EmulatedFunction.start(t, [
      '--function', packageOf(t, files), '--runtime', runtime, '--handler', handler, '--layer', process.env.POSTLUDE_LAYER_DIR,
      '--env', 'AWS_LAMBDA_EXEC_WRAPPER=/opt/postlude', '--env', `POSTLUDE_SPOOL_DIR=${temporaryFolder(t)}`,
      '--env', `POSTLUDE_TASKS=${JSON.stringify([{ name: 'note', command: ['sh', '-c', 'echo noted $POSTLUDE_TASK'] }])}`,
    ]);
    assert.equal((await lambda.invoke({})).status, 200);
    await lambda.line((line) => line === 'noted note');
    const receipt = JSON.parse(await lambda.line((line) => line.startsWith('{"postlude":"receipt"')));
    assert.deepEqual(receipt.tasks.map(({ name, state }) => [name, state]), [['note', 'done']]);
  });
}

test('provided.al2023 runs the bootstrap of the package, else the one of the layer', async (t) => {
  const say = (who) => `#!/bin/sh\necho "bootstrap of the ${who}"\nexec sleep 1000\n`;
  const layer = packageOf(t, { bootstrap: say('layer') });
  for (const [who, files] of [['layer', { main: '' }], ['package', { bootstrap: say('package') }]]) {
    const lambda = await EmulatedFunction.start(t, [
      '--function', packageOf(t, files), '--runtime', 'provided.al2023', '--layer', layer, '--eager-init',
    ]);
    await lambda.line((line) => line === `bootstrap of the ${who}`);
  }
});

test('a Python function whose module is missing fails its init in the words of Lambda', async (t) => {
  const lambda = await EmulatedFunction.start(t, ['--function', packageOf(t, {}), '--runtime', 'python3.13', '--handler', 'index.handler']);
  const { text } = await lambda.invoke({});
  assert.equal(JSON.parse(text).errorType, 'Runtime.ImportModuleError');
  assert.match(JSON.parse(text).errorMessage, /No module named 'index'/);
});
