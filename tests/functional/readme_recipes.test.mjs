// The recipes of README.md, played as they stand there: each block is POSTLUDE_TASKS of a shop that knows nothing of
// it, and what is asserted is what a user would find at the target. Runs in a network of its own (own_network), in
// which the hosts of the recipes are on this machine.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { AwsPeer, CREDENTIALS, require } from './aws_peer.mjs';
import { dynamodb, endpoints, fauxqs, s3, sqs } from './aws_stand_ins.mjs';
import { slashCommand } from '../demo/slack_command.mjs';
import { HttpPeer } from './http_peer.mjs';
import { blocksFor, section } from './readme.mjs';
import { certificate, startFunction, temporaryFolder, tests } from './task_story.mjs';

const { CreateTableCommand, GetItemCommand } = require('@aws-sdk/client-dynamodb');
const { GetObjectCommand, ListObjectsV2Command } = require('@aws-sdk/client-s3');
const { ReceiveMessageCommand } = require('@aws-sdk/client-sqs');

const CHAPTER = 'Tasks by example';
const HTTPS_PORT = 443;
const PATIENCE_MS = 60_000; // of one recipe
const FUNCTION = 'function'; // the name that the local Lambda gives
const recipes = blocksFor('readme_recipes');
const hosts = Object.fromEntries(
  readFileSync(path.join(tests, 'functional', 'own_network.hosts'), 'utf8').trim().split('\n').map((line) => line.split(' ').reverse()),
);
const played = [];
const json = { 'content-type': 'application/json' };

// Plays what stands below that heading.
function recipe(heading, play) {
  played.push(heading);
  test(heading, { timeout: PATIENCE_MS }, async (t) => {
    const [tasks, ...more] = recipes.take(heading, 'json');
    assert.equal(more.length, 0, 'a recipe is one configuration');
    await play(t, tasks);
  });
}

// The shop with these tasks; `aws` has an endpoint for each service, by name of its variable.
async function shop(t, tasks, { aws = {}, env = {}, ...more } = {}) {
  const at = Object.entries(aws).map(([name, peer]) => [`AWS_ENDPOINT_URL_${name}`, peer.url]);
  const story = await startFunction(t, null, {
    folder: 'shop',
    env: { ...CREDENTIALS, AWS_REGION: 'eu-west-1', ...Object.fromEntries(at), ...env, POSTLUDE_TASKS: tasks },
    ...more,
  });
  return {
    ...story,
    order: (email = 'ada@shop.example') => story.call(JSON.stringify({ email, items: [3] }), { at: '/orders', headers: json }),
    put: (product) => story.call('{"price":9}', { at: `/products/${product}`, method: 'PUT', headers: json }),
  };
}

// The host of a recipe, with a certificate that the function trusts: {peer, env}.
async function host(t, name, answers) {
  const tls = certificate(t, { name });
  const peer = await HttpPeer.start(t, answers, tls, { host: hosts[name], port: HTTPS_PORT });
  return { peer, env: { SSL_CERT_FILE: tls.ca } };
}

async function done(story, ...names) {
  const { tasks, level } = await story.receipt();
  assert.deepEqual(tasks.map(({ name, state, why }) => [name, state, why ?? null]), names.map((name) => [name, 'done', null]));
  assert.equal(level, 'INFO');
}

async function messages(QueueUrl) {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  return Messages.map(({ Body }) => Body);
}

// What SNS was asked to publish.
const published = async (peer) => new URLSearchParams((await peer.request()).body.toString());

recipe('Answer a Slack command, work afterwards', async (t, tasks) => {
  const { peer, env } = await host(t, 'hooks.slack.com', [{ status: 200 }]);
  const story = await shop(t, tasks, { env: { ...env, POSTLUDE_CONCURRENCY: '1' } });
  const { headers, body } = slashCommand('sales & "more"', 'https://hooks.slack.com/commands/T1/42');
  const answer = await story.call(body, { headers, at: '/slack/command' });
  assert.equal(JSON.parse(answer.text).text, 'Working on it');
  const posted = await peer.request();
  await story.lambda.line((line) => line === 'job {"report":"sales & \\"more\\""}');
  assert.equal(posted.url, '/commands/T1/42');
  assert.deepEqual(JSON.parse(posted.body), { text: 'The report about sales & "more" is ready.' });
  await done(story, 'report', 'reply');
});

recipe('Call a webhook', async (t, tasks) => {
  const secrets = await AwsPeer.start(t, 'secretsmanager', { status: 200, body: JSON.stringify({ Name: 'partner', SecretString: '{"token":"t0k"}' }) });
  const { peer, env } = await host(t, 'hooks.partner.example', [{ status: 503 }, { status: 200 }]);
  const story = await shop(t, tasks, { aws: { SECRETS_MANAGER: secrets }, env });
  assert.equal((await story.order()).status, 201);
  const { method, url, headers, body } = await peer.request(2);
  assert.deepEqual([method, url, headers.authorization], ['POST', '/orders/o-17', 'Bearer t0k']);
  assert.deepEqual(JSON.parse(body), { order: { id: 'o-17', total: 42.5, email: 'ada@shop.example' } });
  await done(story, 'tell-partner');
  assert.equal((await secrets.request()).json().SecretId, 'partner');
});

recipe('Write an audit event to EventBridge', async (t, tasks) => {
  const bus = await AwsPeer.start(t, 'events', { status: 200, body: '{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}' });
  const story = await shop(t, tasks, { aws: { EVENTBRIDGE: bus } });
  await story.call('{"email":"ada@shop.example"}', { at: '/orders', headers: { ...json, 'X-User': 'ada' } });
  await story.call('', { at: '/broken' });
  const entry = async (nth) => (await bus.request(nth)).json().Entries[0];
  const { EventBusName, Source, DetailType, Detail } = await entry(1);
  assert.deepEqual([EventBusName, Source, DetailType], ['arn:aws:events:eu-west-1:123456789012:event-bus/audit', 'postlude', 'audit']);
  assert.deepEqual(JSON.parse(Detail), { who: 'ada', did: 'POST /orders', status: 201 });
  assert.deepEqual(JSON.parse((await entry(2)).Detail), { who: 'nobody', did: 'POST /broken', status: '500' });
});

recipe('Warm a cache', async (t, tasks) => {
  const { peer, env } = await host(t, 'www.shop.example', [{ status: 200 }]);
  const story = await shop(t, tasks, { env });
  await story.put('lamp');
  const { method, url, headers } = await peer.request();
  assert.deepEqual([method, url, headers['cache-control']], ['GET', '/products/lamp', 'no-cache']);
  await done(story, 'warm');
});

recipe('Send an e-mail by SES', async (t, tasks) => {
  const ses = await AwsPeer.start(t, 'ses', { status: 200, body: '{"MessageId":"1"}' });
  const story = await shop(t, tasks, { aws: { SESV2: ses } });
  await story.order('grace@shop.example');
  const { method, url, json: mail } = await ses.request();
  assert.deepEqual([method, url], ['POST', '/v2/email/outbound-emails']);
  const { FromEmailAddress, Destination, Content: { Simple } } = mail();
  assert.equal(FromEmailAddress, 'shop@shop.example');
  assert.deepEqual(Destination.ToAddresses, ['grace@shop.example']);
  assert.equal(Simple.Subject.Data, 'Your order o-17');
  assert.equal(Simple.Body.Text.Data, 'We have it. Total: 42.5 EUR');
  await done(story, 'confirm');
});

recipe('Count in CloudWatch', async (t, tasks) => {
  const cloudwatch = await AwsPeer.start(t, 'monitoring', { status: 200, body: '{}' });
  const story = await shop(t, tasks, { aws: { CLOUDWATCH: cloudwatch } });
  await story.order();
  const request = await cloudwatch.request();
  assert.equal(request.operation, 'PutMetricData');
  const { Namespace, MetricData: [metric] } = request.json();
  assert.equal(Namespace, 'Shop');
  assert.deepEqual(metric, { MetricName: 'Turnover', Value: 42.5, Unit: 'None', Dimensions: [{ Name: 'Function', Value: FUNCTION }] });
  await done(story, 'turnover');
});

recipe('Count without a call', async (t, tasks) => {
  const story = await shop(t, tasks);
  await story.order();
  const { _aws, ...values } = JSON.parse(await story.lambda.line((line) => line.startsWith('{"_aws"')));
  assert.ok(Math.abs(_aws.Timestamp - Date.now()) < 60_000);
  assert.deepEqual(_aws.CloudWatchMetrics, [{ Namespace: 'Shop', Dimensions: [[]], Metrics: [{ Name: 'Orders', Unit: 'Count' }] }]);
  assert.deepEqual(values, { Orders: 1, order: 'o-17' });
  await done(story, 'count');
});

// A copy of the shop with such a program in its package, which tells what it was given.
function shopWith(t, program) {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'bin'));
  writeFileSync(path.join(folder, 'index.mjs'), readFileSync(path.join(tests, 'functions', 'shop', 'index.mjs')));
  const place = path.join(folder, 'bin', program);
  writeFileSync(place, `#!/bin/sh\necho "${program} of $*"\necho "document $(cat)"\n`);
  chmodSync(place, 0o755);
  return folder;
}

const documentOf = async (story) => JSON.parse((await story.lambda.line((line) => line.startsWith('document '))).slice('document '.length));

recipe('Make thumbnails by a program', async (t, tasks) => {
  const story = await shop(t, tasks, { folder: shopWith(t, 'thumbnail') });
  await story.call('{"key":"cats/1 big.jpg"}', { at: '/pictures', headers: json });
  await story.lambda.line((line) => line === 'thumbnail of cats/1 big.jpg --width 200');
  assert.equal((await documentOf(story)).event.rawPath, '/pictures');
  await done(story, 'thumbnail');
});

recipe('Raise an alarm before the timeout', async (t, tasks) => {
  const sns = await AwsPeer.start(t, 'sns', { status: 200, body: '<PublishResponse/>' });
  const story = await shop(t, tasks, { aws: { SNS: sns }, options: ['--timeout', '3s'] });
  const answer = await story.call('', { at: '/hangs' });
  assert.equal(answer.status, 502);
  const message = await published(sns);
  const { requestId } = await story.lambda.event('invokeEnd');
  assert.equal(message.get('TopicArn'), 'arn:aws:sns:eu-west-1:123456789012:alarms');
  assert.equal(message.get('Message'), `${FUNCTION} has no answer yet to /hangs, request ${requestId}`);
  const { deadlineMs } = await story.lambda.event('invokeStart');
  assert.ok(sns.requests[0].at < deadlineMs, 'before the timeout');
});

recipe('Report failures', async (t, tasks) => {
  const sns = await AwsPeer.start(t, 'sns', { status: 200, body: '<PublishResponse/>' });
  const story = await shop(t, tasks, { aws: { SNS: sns } });
  await story.call('{}', { at: '/orders', headers: json });
  assert.equal((await story.call('', { at: '/broken' })).status, 502);
  const message = await published(sns);
  assert.equal(message.get('TopicArn'), 'arn:aws:sns:eu-west-1:123456789012:alarms');
  assert.equal(message.get('Message'), `${FUNCTION} failed with RangeError: no such shelf`);
  await done(story, 'report-failure');
  assert.equal(sns.requests.length, 1);
});

recipe('Write a record to DynamoDB', async (t, tasks) => {
  const peer = await AwsPeer.start(t, 'dynamodb', endpoints.dynamodb);
  await dynamodb.send(new CreateTableCommand({
    TableName: 'orders', BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  }));
  const story = await shop(t, tasks, { aws: { DYNAMODB: peer } });
  await story.order();
  await done(story, 'record');
  const { requestId } = await story.receipt();
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName: 'orders', Key: { id: { S: 'o-17' } } }));
  assert.deepEqual(Item, { id: { S: 'o-17' }, total: { N: '42.5' }, request: { S: requestId } });
});

recipe('Do a job only when the function asks for it', async (t, tasks) => {
  const [source] = recipes.take('Do a job only when the function asks for it', 'python');
  const folder = shopWith(t, 'export');
  writeFileSync(path.join(folder, 'app.py'), source);
  const story = await shop(t, tasks, {
    folder,
    runtime: 'python3.13',
    options: ['--handler', 'app.handler'],
    env: { PYTHONPATH: '/opt/python', PYTHONDONTWRITEBYTECODE: '1' },
  });
  const answer = await story.invoke('{"month":"2026-01"}');
  const { requestId, tasks: [job] } = await story.receipt();
  assert.deepEqual(JSON.parse(answer.text), { accepted: `${requestId}/export/1` });
  assert.equal(job.state, 'done');
  await story.lambda.line((line) => line === 'export of --month 2026-01');
  assert.deepEqual((await documentOf(story)).payload, { month: '2026-01' });
});

recipe('Archive to S3', async (t, tasks) => {
  const peer = await AwsPeer.start(t, 's3', endpoints.fauxqs);
  fauxqs.createBucket('shop-archive');
  const story = await shop(t, tasks, { aws: { S3: peer } });
  await story.order();
  await done(story, 'archive');
  const { tasks: [{ id }] } = await story.receipt();
  const { Contents: [object] } = await s3.send(new ListObjectsV2Command({ Bucket: 'shop-archive' }));
  assert.match(object.Key, /^orders\/\d{4}-\d\d-\d\d\//);
  assert.ok(object.Key.endsWith(`/${id}.json`));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'shop-archive', Key: object.Key }));
  const { request, answer } = JSON.parse(await Body.transformToString());
  assert.deepEqual([request.items, answer.id], [[3], 'o-17']);
});

recipe('Hand over to a queue', async (t, tasks) => {
  const peer = await AwsPeer.start(t, 'sqs', endpoints.fauxqs);
  const { queueUrl } = fauxqs.createQueue('invoices');
  const story = await shop(t, tasks, { aws: { SQS: peer } });
  await story.order();
  await done(story, 'queue');
  assert.deepEqual((await messages(queueUrl)).map((body) => JSON.parse(body)), [{ order: 'o-17' }]);
});

recipe('Call the handler a second time', async (t, tasks) => {
  const story = await shop(t, tasks);
  assert.deepEqual(JSON.parse((await story.put('lamp')).text), { id: 'lamp', price: 9 });
  await story.lambda.line((line) => line === 'job {"index":"lamp"}');
  await done(story, 'index');
});

recipe('Keep what cannot be done', async (t, tasks) => {
  const { peer, env } = await host(t, 'hooks.partner.example', [{ status: 503 }]);
  const queue = await AwsPeer.start(t, 'sqs', endpoints.fauxqs);
  const { queueUrl } = fauxqs.createQueue('not-done');
  const story = await shop(t, tasks, { aws: { SQS: queue }, env });
  await story.order();
  assert.equal((await story.outcome('tell-partner')).state, 'spilled');
  assert.equal(peer.requests.length, 3);
  const [letter] = (await messages(queueUrl)).map((body) => JSON.parse(body));
  assert.equal(letter.postlude, 'deadLetter');
  assert.equal(letter.task.http.url, 'https://hooks.partner.example/orders');
  assert.match(letter.lastError, /503/);
  assert.equal(letter.document.event.rawPath, '/orders');
});

test('every recipe of the chapter is played, in its order', () => {
  assert.deepEqual(played, section(CHAPTER).headings.map(({ text }) => text));
  assert.ok(played.length >= 10);
});

recipes.closing();
