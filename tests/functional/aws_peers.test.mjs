// What tasks send to AWS services, taken by peers not written here and read back with AWS's own SDK. This file
// is the network between them: it checks every signature with an independent signer before it passes a request on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { arn, KEYS, REGION, require } from './aws_peer.mjs';
import { dynamodb, endpoints, fauxqs, kinesis, s3, sqs } from './aws_stand_ins.mjs';

const aws4 = require('aws4');
const { CreateTableCommand, GetItemCommand } = require('@aws-sdk/client-dynamodb');
const { CreateStreamCommand, GetRecordsCommand, GetShardIteratorCommand } = require('@aws-sdk/client-kinesis');
const { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } = require('@aws-sdk/client-s3');
const { ReceiveMessageCommand } = require('@aws-sdk/client-sqs');

const TASK = '8476a536-e9f4-11e8-9739-2dfe598c3fcd/report/0';

function checkSignature({ method, host, port, target, fields, body }, service) {
  const given = Object.fromEntries(fields);
  const { Authorization, 'X-Amz-Security-Token': token, 'X-Amzn-Trace-Id': trace, ...headers } = given;
  assert.equal(token, KEYS.sessionToken);
  assert.equal(trace, 'Root=1-2');
  const options = {
    method, path: target, service, region: REGION, body: body.length > 0 ? body : undefined,
    headers: { ...headers, Host: `${host}:${port}` },
    // What the HTTP client adds is not signed by us.
    extraHeadersToIgnore: { 'content-length': true },
  };
  aws4.sign(options, KEYS);
  assert.equal(Authorization, options.headers.Authorization);
}

async function pass(request) {
  const { method, host, port, target, fields, body } = request;
  const sent = http.request({ method, host, port, path: target, headers: Object.fromEntries(fields), agent: false });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  const chunks = await answer.toArray();
  return {
    status: answer.statusCode,
    fields: Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
    body: Buffer.concat(chunks).toString('base64'),
  };
}

// Does one piece of work; `network` answers its requests. Resolves to its result and the requests.
async function run(work, service, network = pass, env = {}) {
  const driver = spawn(process.env.POSTLUDE_DRIVER, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      AWS_SESSION_TOKEN: KEYS.sessionToken,
      AWS_ENDPOINT_URL: endpoints.fauxqs,
      AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
      AWS_ENDPOINT_URL_KINESIS: endpoints.kinesis,
      ...env,
    },
  });
  const exited = once(driver, 'exit');
  const say = (line) => driver.stdin.write(`${JSON.stringify(line)}\n`);
  const requests = [];
  let result;
  say(work);
  for await (const text of createInterface({ input: driver.stdout })) {
    const line = JSON.parse(text);
    if (line.result) {
      result = line.result;
      driver.stdin.end();
      continue;
    }
    const request = { ...line.request, body: Buffer.from(line.request.body, 'base64') };
    requests.push(request);
    if (service) checkSignature(request, service);
    say(await network(request, requests.length));
  }
  assert.deepEqual(await exited, [0, null]);
  return { result, requests };
}

const done = { kind: 'success', why: '', retryAfterMs: null };
const send = (to, body, service, more = {}) =>
  run({ do: 'send', to, id: TASK, body: JSON.stringify(body), ...more }, service).then(({ result }) => result);

async function receive(QueueUrl) {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({
    QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'],
  }));
  return Messages;
}

test('SQS: a message arrives as it was sent, of any script', async () => {
  const { queueUrl } = fauxqs.createQueue('work');
  // Unlike SQS, the stand-in refuses characters beyond U+FFFF.
  const body = { text: 'ä "quoted" 日本 \u0001\uffff\n', n: 1.5 };
  assert.deepEqual(await send(arn('sqs', 'work'), body, 'sqs'), done);
  assert.deepEqual(await send(arn('sqs', 'work'), 'plain text', 'sqs'), done);
  const bodies = (await receive(queueUrl)).map(({ Body }) => Body).sort();
  assert.equal(bodies.length, 2);
  assert.equal(bodies[0], 'plain text');
  assert.deepEqual(JSON.parse(bodies[1]), body);
});

test('SQS: a FIFO queue takes a task once, however often it is tried', async () => {
  const { queueUrl } = fauxqs.createQueue('work.fifo', { attributes: { FifoQueue: 'true' } });
  for (let attempt = 0; attempt < 3; attempt++) assert.deepEqual(await send(arn('sqs', 'work.fifo'), { attempt }, 'sqs'), done);
  const messages = await receive(queueUrl);
  assert.deepEqual(messages.map(({ Body }) => Body), ['{"attempt":0}']);
  assert.equal(messages[0].Attributes.MessageGroupId, TASK);
});

test('SQS: a queue that does not exist is refused by its code', async () => {
  const { kind, why } = await send(arn('sqs', 'nowhere'), 1, 'sqs');
  assert.equal(kind, 'refused');
  assert.match(why, /^sqs SendMessage: 400 \S*(QueueDoesNotExist|NonExistentQueue)$/);
});

test('SNS: a message reaches the subscribers of its topic', async () => {
  const { queueUrl } = fauxqs.createQueue('news-reader');
  fauxqs.createTopic('news');
  fauxqs.subscribe({ topic: 'news', queue: 'news-reader' });
  const body = { text: 'a&b=c + %41 ä 😀' };
  assert.deepEqual(await send(arn('sns', 'news'), body, 'sns'), done);
  const [message] = await receive(queueUrl);
  assert.deepEqual(JSON.parse(JSON.parse(message.Body).Message), body);
  const { kind, why } = await send(arn('sns', 'nowhere'), body, 'sns');
  assert.equal(kind, 'refused');
  assert.match(why, /^sns Publish: 404 NotFound\w*$/);
});

test('S3: an object lies under prefix, day and task id, whatever the prefix', async () => {
  fauxqs.createBucket('letters');
  const body = { text: 'x'.repeat(2_000_000) };
  for (const prefix of ['plain/', 'with space + ä/(1)/', '']) {
    assert.deepEqual(await send(`arn:aws:s3:::letters/${prefix}`, body, 's3'), done);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'letters', Prefix: prefix }));
    const keys = Contents.map(({ Key }) => Key).filter((key) => /^\d{4}-\d\d-\d\d\//.test(key.slice(prefix.length)));
    assert.equal(keys.length, 1, JSON.stringify(keys));
    assert.ok(keys[0].endsWith(`/${TASK}.json`));
    const object = await s3.send(new GetObjectCommand({ Bucket: 'letters', Key: keys[0] }));
    assert.deepEqual(JSON.parse(await object.Body.transformToString()), body);
    const { ContentType } = await s3.send(new HeadObjectCommand({ Bucket: 'letters', Key: keys[0] }));
    assert.equal(ContentType, 'application/json');
  }
  assert.match((await send('arn:aws:s3:::nobody/x/', body, 's3')).why, /^s3 PutObject: 404 NoSuchBucket$/);
});

test('DynamoDB: an item is put, a condition that fails is refused', async () => {
  await dynamodb.send(new CreateTableCommand({
    TableName: 'tasks', BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  }));
  const input = { TableName: 'tasks', Item: { id: { S: 'one' }, text: { S: 'ä 😀' } }, ConditionExpression: 'attribute_not_exists(id)' };
  const put = { do: 'aws', service: 'dynamodb', operation: 'PutItem', input };
  // The table may still be in creation.
  let first = await run(put, 'dynamodb');
  for (let left = 50; first.result.kind !== 'success' && left > 0; left--) first = await run(put, 'dynamodb');
  assert.deepEqual(first.result, done);
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName: 'tasks', Key: { id: { S: 'one' } } }));
  assert.deepEqual(Item, input.Item);
  const { result } = await run(put, 'dynamodb');
  assert.equal(result.kind, 'refused');
  assert.equal(result.why, 'dynamodb PutItem: 400 ConditionalCheckFailedException');
});

test('Kinesis: a record arrives with the task id as its key', async () => {
  await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }));
  const body = { text: 'ä 😀' };
  let result = await send(arn('kinesis', 'stream/s'), body, 'kinesis');
  for (let left = 50; result.kind !== 'success' && left > 0; left--) result = await send(arn('kinesis', 'stream/s'), body, 'kinesis');
  assert.deepEqual(result, done);
  const { ShardIterator } = await kinesis.send(new GetShardIteratorCommand({
    StreamName: 's', ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON',
  }));
  const { Records } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
  assert.deepEqual(Records.map(({ PartitionKey }) => PartitionKey), [TASK]);
  assert.deepEqual(JSON.parse(Buffer.from(Records[0].Data).toString()), body);
});

test('a dead letter loses its event where the queue takes no more', async () => {
  const { queueUrl } = fauxqs.createQueue('small', { attributes: { MaximumMessageSize: '262144' } });
  const work = { do: 'deadLetter', to: arn('sqs', 'small'), id: TASK, body: JSON.stringify('e'.repeat(500_000)) };
  const { result, requests } = await run(work, 'sqs');
  assert.deepEqual(result, done);
  assert.ok(requests[0].body.length > 500_000);
  assert.ok(requests.at(-1).body.length < 1000);
  const [message] = await receive(queueUrl);
  const letter = JSON.parse(message.Body);
  assert.deepEqual(letter.document, { id: '1', event: null, response: null, truncated: ['event'] });
  assert.equal(letter.postlude, 'deadLetter');
});

const answering = (status, body, fields = []) => async () =>
  ({ status, fields, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)).toString('base64') });

test('throttling, a broken connection and a failed entry end as they should', async () => {
  const work = { do: 'send', to: arn('sqs', 'work'), id: TASK, body: '1' };
  const throttled = await run(work, 'sqs', answering(400, { __type: 'com.amazonaws.sqs#RequestThrottled' }, [['Retry-After', '2']]));
  assert.deepEqual(throttled.result, { kind: 'failed', why: 'sqs SendMessage: 400 RequestThrottled', retryAfterMs: 2000 });
  const broken = await run(work, 'sqs', async () => ({}));
  assert.deepEqual(broken.result, { kind: 'failed', why: 'sqs SendMessage: no answer', retryAfterMs: null });
  const event = { do: 'send', to: arn('events', 'event-bus/default'), id: TASK, body: '[1]' };
  const denied = await run(event, 'events', answering(200, { FailedEntryCount: 1, Entries: [{ ErrorCode: 'NotAuthorizedForDetailType' }] }));
  assert.equal(denied.result.kind, 'refused');
  const machine = { do: 'send', to: arn('states', 'stateMachine:m'), id: TASK, body: '{}' };
  const again = await run(machine, 'states', answering(400, { __type: 'ExecutionAlreadyExists' }));
  assert.deepEqual(again.result, done);
});

test('expired credentials of the container endpoint are renewed once', async () => {
  const given = [];
  const env = {
    AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:9001/2021-04-23/credentials',
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'let-me',
  };
  const network = async (request) => {
    if (request.target === '/2021-04-23/credentials') {
      assert.deepEqual(request.fields, [['Authorization', 'let-me']]);
      given.push(`KEY${given.length}`);
      return answering(200, { AccessKeyId: given.at(-1), SecretAccessKey: 's', Token: 't', Expiration: '2099-01-01T00:00:00Z' })();
    }
    const authorization = Object.fromEntries(request.fields).Authorization;
    assert.match(authorization, new RegExp(`Credential=${given.at(-1)}/`));
    return given.length === 1 ? answering(400, { __type: 'ExpiredTokenException' })() : answering(200, {})();
  };
  const { result } = await run({ do: 'send', to: arn('sqs', 'work'), id: TASK, body: '1' }, null, network, env);
  assert.deepEqual(result, done);
  assert.deepEqual(given, ['KEY0', 'KEY1']);
});

test('a secret and a parameter are read', async () => {
  const secret = await run({ do: 'secret', name: 'db' }, null, answering(200, { SecretString: '{"key":"ä"}' }));
  assert.deepEqual(secret.result, { kind: 'success', value: '{"key":"ä"}' });
  const parameter = await run({ do: 'parameter', name: '/p' }, null, answering(200, { Parameter: { Value: 'v' } }));
  assert.deepEqual(parameter.result, { kind: 'success', value: 'v' });
});
