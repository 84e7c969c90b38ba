// Every function of template.yaml, started from the template, called as its event source would, with the work
// that it leaves for later. A function without a check here fails the first test.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { SECRET, slashCommand } from '../demo/slack_command.mjs';
import { ACCOUNT, AwsPeer, CREDENTIALS, REGION, require } from './aws_peer.mjs';
import { endpoints, fauxqs, sqs } from './aws_stand_ins.mjs';
import { EmulatedFunction } from './emulated_function.mjs';
import { HttpPeer } from './http_peer.mjs';
import { certificate, temporaryFolder } from './task_story.mjs';
import { file, functionsOf, read, text } from './template_reader.mjs';

const { InvokeWithResponseStreamCommand, LambdaClient } = require('@aws-sdk/client-lambda');
const { ReceiveMessageCommand } = require('@aws-sdk/client-sqs');

const isReceipt = (line) => line.startsWith('{"postlude":"receipt"');
const states = (receipt) => Object.fromEntries(JSON.parse(receipt).tasks.map(({ name, state }) => [name, state]));

const start = (t, name, { parameters = {}, env = {}, options = [] } = {}) => EmulatedFunction.start(t, [
  '--template', file, '--resource', name, '--layer', process.env.POSTLUDE_LAYER_DIR, '--admission-wait', '30s', ...options,
  ...Object.entries(parameters).flatMap(([key, value]) => ['--parameter', `${key}=${value}`]),
  ...Object.entries({ POSTLUDE_SPOOL_DIR: temporaryFolder(t), ...env }).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
]);

// The caller has its answer, the work goes on and is done later.
async function worksOn(lambda, answered) {
  const isDone = (line) => line.includes('the work is done');
  assert.ok(!lambda.log.some(isDone), 'the caller waited for the work');
  await lambda.line(isDone);
  assert.ok(performance.now() - answered > 1000, 'there was no work left');
}

async function messages(QueueUrl) {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  return Messages.map(({ Body }) => JSON.parse(Body));
}

// OrdersFunction with its two queues, behind a webhook that answers with that status.
async function startOrders(t, status) {
  fauxqs.purgeAll();
  const { queueUrl: shipping } = fauxqs.createQueue('ShippingQueue');
  const { queueUrl: undelivered } = fauxqs.createQueue('UndeliveredQueue');
  const webhook = await HttpPeer.start(t, [{ status }]);
  const peer = await AwsPeer.start(t, 'sqs', endpoints.fauxqs);
  const lambda = await start(t, 'OrdersFunction', {
    parameters: { WebhookUrl: webhook.url('127.0.0.1', '/hooks/orders') },
    env: { ...CREDENTIALS, AWS_ENDPOINT_URL_SQS: peer.url },
    options: ['--region', REGION, '--account', ACCOUNT],
  });
  return { lambda, webhook, shipping, undelivered };
}

const checks = {
  async StreamingFunction(t) {
    const lambda = await start(t, 'StreamingFunction');
    const { status, text: answer } = await lambda.call('/');
    assert.equal(status, 200);
    assert.match(answer, /^Hello my request id is: [0-9a-f-]{36}\n$/);
    await worksOn(lambda, performance.now());
  },

  async InvokedStreamingFunction(t) {
    const lambda = await start(t, 'InvokedStreamingFunction');
    const client = new LambdaClient({
      endpoint: lambda.addresses.invoke, region: 'us-east-1', credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }, maxAttempts: 1,
    });
    t.after(() => client.destroy());
    const { EventStream } = await client.send(new InvokeWithResponseStreamCommand({ FunctionName: 'InvokedStreamingFunction', Payload: '{}' }));
    let answer = '';
    for await (const { PayloadChunk, InvokeComplete } of EventStream) {
      answer += PayloadChunk ? Buffer.from(PayloadChunk.Payload).toString() : '';
      assert.equal(InvokeComplete?.ErrorCode, undefined);
    }
    assert.match(answer, /^Hello my request id is: [0-9a-f-]{36}\n$/);
    await worksOn(lambda, performance.now());
  },

  async ApiFunction(t) {
    const lambda = await start(t, 'ApiFunction');
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    const { text: answer } = await lambda.invoke({
      version: '2.0',
      routeKey: 'POST /orders',
      rawPath: '/orders',
      rawQueryString: '',
      headers: { 'content-type': 'application/json', host: 'id.execute-api.us-east-1.amazonaws.com' },
      requestContext: { apiId: 'id', stage: '$default', http: { method: 'POST', path: '/orders', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' } },
      body: '{"id": 7}',
      isBase64Encoded: false,
    });
    assert.deepEqual(JSON.parse(answer), { statusCode: 202, body: '{"accepted":7}' });
    assert.ok(!lambda.log.some((line) => line.includes('is confirmed')), 'the client waited for the confirmation');
    await lambda.line((line) => line.includes('order 7 is confirmed'));
  },

  async OrdersFunction(t) {
    const { lambda, webhook, shipping, undelivered } = await startOrders(t, 200);
    const { text: answer } = await lambda.invoke({ order: 7 });
    assert.deepEqual(JSON.parse(answer), { order: 7, state: 'accepted' });
    assert.deepEqual(states(await lambda.line(isReceipt)), { audit: 'done', announce: 'done', ship: 'done' });
    await lambda.line((line) => line === 'audit: order 7 is accepted');
    const { method, url, body } = await webhook.request();
    assert.deepEqual([method, url, JSON.parse(body)], ['POST', '/hooks/orders', { order: 7, state: 'accepted' }]);
    assert.deepEqual(await messages(shipping), [{ order: 7 }]);
    assert.deepEqual(await messages(undelivered), []);
  },

  async SlackFunction(t) {
    const tls = certificate(t);
    const slack = await HttpPeer.start(t, [{ status: 200, body: 'ok' }], tls);
    const lambda = await start(t, 'SlackFunction', {
      parameters: { SlackSigningSecret: SECRET, SlackHosts: 'localhost,127.0.0.0/8,::1' },
      env: { SSL_CERT_FILE: tls.ca },
    });
    const command = (secret) => {
      const { headers, body } = slashCommand('of May', slack.url('localhost', '/commands/T1/42'), { secret });
      return lambda.call('/', { method: 'POST', headers, body });
    };
    assert.equal((await command('of somebody else')).status, 401);
    const { status, text: answer } = await command(SECRET);
    assert.equal(status, 200);
    assert.equal(JSON.parse(answer).text, 'Working on it ...');
    assert.ok(!lambda.log.some((line) => line.includes('is made')), 'Slack waited for the report');
    const { url, body } = await slack.request();
    assert.equal(url, '/commands/T1/42');
    assert.deepEqual(JSON.parse(body), { response_type: 'ephemeral', text: 'The report of May is ready.' });
    assert.ok(lambda.log.some((line) => line.includes('report of May for somebody is made')), 'made before it is posted');
    assert.deepEqual(states(await lambda.line(isReceipt)), { report: 'done', reply: 'done' });
    assert.equal(slack.requests.length, 1, 'the request that Slack did not sign had no tasks');
  },

  async ShellFunction(t) {
    const lambda = await start(t, 'ShellFunction');
    const { text: answer } = await lambda.invoke({ order: 7 });
    assert.deepEqual(JSON.parse(answer), { received: { order: 7 } });
    assert.ok(!lambda.log.includes('the mail is sent'), 'the caller waited for the mail');
    await lambda.line((line) => line === 'working on 11 bytes');
    await lambda.line((line) => line === 'the mail is sent');
    assert.deepEqual(states(await lambda.line(isReceipt)), { mail: 'done' });
  },
};

const names = Object.keys(functionsOf(read(text())));

test('every function of the template has a check, and every check a function', () => {
  assert.deepEqual(Object.keys(checks).sort(), names.sort());
});

for (const name of names) {
  test(`${name} answers as its caller expects, and its deferred work is done`, (t) => checks[name](t));
}

test('what OrdersFunction cannot deliver is in its dead-letter queue', async (t) => {
  const { lambda, undelivered } = await startOrders(t, 400);
  await lambda.invoke({ order: 8 });
  assert.deepEqual(states(await lambda.line(isReceipt)), { audit: 'done', announce: 'spilled', ship: 'done' });
  const [letter, ...others] = await messages(undelivered);
  assert.equal(others.length, 0);
  assert.deepEqual([letter.postlude, letter.task.name, letter.document.event], ['deadLetter', 'announce', { order: 8 }]);
});

test('without the layer the emulator says how to build it', async (t) => {
  const folder = temporaryFolder(t); // where nobody has run `sam build`
  writeFileSync(path.join(folder, 'template.yaml'), text());
  const { status, text: complaint } = await EmulatedFunction.refusal([
    '--template', path.join(folder, 'template.yaml'), '--resource', 'ShellFunction', '--function', folder,
  ]);
  assert.equal(status, 2);
  assert.match(complaint, /template\.yaml: the layer PostludeLayer is not built: .*run 'sam build PostludeLayer', or give its folder by --layer DIR/);
});
