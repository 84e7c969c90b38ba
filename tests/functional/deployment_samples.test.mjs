// The samples of README.md for SAM and the CDK: judged by AWS's own, and run in the local Lambda.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { ACCOUNT, AwsPeer, CREDENTIALS, REGION, require } from './aws_peer.mjs';
import { EmulatedFunction } from './emulated_function.mjs';
import { blocksFor } from './readme.mjs';
import { temporaryFolder } from './task_story.mjs';
import { compile, judgeTypes, judgeValues } from './template_judges.mjs';
import { functionsOf, read, root } from './template_reader.mjs';

const ts = require('typescript');

const samples = blocksFor('deployment_samples');
const [samTemplate] = samples.take('AWS SAM', 'yaml');
const [command] = samples.take('AWS SAM', 'sh');
const [cdkProgram] = samples.take('AWS CDK', 'ts');

// A clone as the samples expect it: the function that is written further up in README.md, and a layer.
function clone(t) {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'hello'));
  writeFileSync(path.join(folder, 'hello', 'app.py'), 'def handler(event, context):\n    return {"statusCode": 200, "body": "Hello!\\n"}\n');
  mkdirSync(path.join(folder, 'build', 'layer'), { recursive: true });
  symlinkSync(process.env.POSTLUDE_LAYER_DIR, path.join(folder, 'build', 'layer', 'x86_64'));
  writeFileSync(path.join(folder, 'build', 'layer', 'postlude-x86_64.zip'), 'a zip is not looked into');
  symlinkSync(process.env.POSTLUDE_TEST_TOOLS, path.join(folder, 'node_modules'));
  return folder;
}

// Starts the function of a template with options more, calls its URL, and sees what the queue got.
async function checkSent(t, options, queue) {
  const peer = await AwsPeer.start(t, 'sqs', [{ status: 200, body: '{"MessageId": "1"}' }]);
  const env = { ...CREDENTIALS, AWS_ENDPOINT_URL_SQS: peer.url, POSTLUDE_SPOOL_DIR: temporaryFolder(t) };
  const lambda = await EmulatedFunction.start(t, [
    ...options, '--region', REGION, '--account', ACCOUNT, ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
  ]);
  const { status, text } = await lambda.call('/orders/7');
  assert.deepEqual([status, text], [200, 'Hello!\n']);
  const receipt = JSON.parse(await lambda.line((line) => line.startsWith('{"postlude":"receipt"')));
  assert.deepEqual(receipt.tasks.map(({ name, state }) => [name, state]), [['ship', 'done']]);
  const [{ body }] = peer.requests;
  const { QueueUrl, MessageBody } = JSON.parse(body.toString());
  assert.equal(path.basename(QueueUrl), queue);
  assert.deepEqual(JSON.parse(MessageBody), { path: '/orders/7' });
}

test('the SAM sample is a good template, and its function sends after its answer', async (t) => {
  const folder = clone(t);
  const template = read(samTemplate);
  assert.deepEqual([...judgeTypes({ sample: template }).sample, ...judgeValues(folder, samTemplate, template)], []);
  assert.deepEqual(Object.keys(functionsOf(template)), ['HelloFunction']);
  writeFileSync(path.join(folder, 'sample.yaml'), samTemplate);
  await checkSent(t, ['--template', path.join(folder, 'sample.yaml')], 'ShippingQueue');
});

test("the sample of --template starts a function of the repository's own template", async (t) => {
  const [program, ...options] = command.trim().split(' ');
  assert.equal(program, 'build/bin/postlude-emulator');
  const places = { 'template.yaml': path.join(root, 'template.yaml'), 'build/opt': process.env.POSTLUDE_LAYER_DIR };
  const lambda = await EmulatedFunction.start(t, [
    ...options.map((option) => places[option] ?? option), '--env', `POSTLUDE_SPOOL_DIR=${temporaryFolder(t)}`,
  ]);
  assert.deepEqual(JSON.parse((await lambda.invoke({ order: 7 })).text), { received: { order: 7 } });
});

// What the program makes of itself, in its folder.
function synthesize(folder) {
  const { outputText } = ts.transpileModule(cdkProgram, { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } });
  writeFileSync(path.join(folder, 'app.cjs'), outputText);
  const { status, stderr } = spawnSync(process.execPath, ['app.cjs'], {
    cwd: folder, encoding: 'utf8', env: { ...process.env, CDK_OUTDIR: path.join(folder, 'cdk.out') }, timeout: 100_000,
  });
  assert.equal(status, 0, stderr);
  const file = path.join(folder, 'cdk.out', 'Hello.template.json');
  return { file, template: JSON.parse(readFileSync(file, 'utf8')) };
}

test('the CDK sample has the types of aws-cdk-lib, and a property of another name is told', () => {
  const misspelt = cdkProgram.replace('layers: [', 'layer: [');
  assert.notEqual(misspelt, cdkProgram);
  const found = compile({ 'sample.mts': cdkProgram, 'misspelt.mts': misspelt });
  assert.deepEqual(found['sample.mts'], []);
  assert.match(found['misspelt.mts'].join('\n'), /'layer' does not exist in type 'FunctionProps'/);
});

test('the CDK sample makes a stack with layer, wrapper and tasks, and its function sends after its answer', async (t) => {
  const folder = clone(t);
  const { file, template } = synthesize(folder);
  const [[id, { Properties }], ...others] = Object.entries(functionsOf(template));
  assert.equal(others.length, 0);
  const [{ Ref: layer }] = Properties.Layers;
  assert.equal(template.Resources[layer].Type, 'AWS::Lambda::LayerVersion');
  assert.equal(Properties.Environment.Variables.AWS_LAMBDA_EXEC_WRAPPER, '/opt/postlude');
  const [queue] = Object.entries(template.Resources).find(([, { Type }]) => Type === 'AWS::SQS::Queue');
  assert.ok(JSON.stringify(Properties.Environment.Variables.POSTLUDE_TASKS).includes(queue), 'the task names the queue');
  await checkSent(t, [
    '--template', file, '--resource', id, '--function', path.join(folder, 'hello'), '--layer', process.env.POSTLUDE_LAYER_DIR,
  ], queue);
});

samples.closing();
