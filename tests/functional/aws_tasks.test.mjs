// `send` and `aws` tasks of a function in the local Lambda: what stand-ins of AWS's services took is read back
// with AWS's own SDK, and every signature is checked on the way by an independent signer.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ACCOUNT, arn, AwsPeer, CREDENTIALS, KEYS, REGION, require } from './aws_peer.mjs';
import { dynamodb, endpoints, fauxqs, kinesis, s3, sqs } from './aws_stand_ins.mjs';
import { HttpPeer } from './http_peer.mjs';
import { startFunction } from './task_story.mjs';

const { CreateTableCommand, DescribeTableCommand, GetItemCommand } = require('@aws-sdk/client-dynamodb');
const {
  CreateStreamCommand, DescribeStreamCommand, GetRecordsCommand, GetShardIteratorCommand,
} = require('@aws-sdk/client-kinesis');
const { GetObjectCommand, ListObjectsV2Command } = require('@aws-sdk/client-s3');
const { ReceiveMessageCommand } = require('@aws-sdk/client-sqs');

async function receive(QueueUrl) {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({
    QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'],
  }));
  return Messages;
}

// A function with tasks, one endpoint a service, by name of its variable.
const start = (t, tasks, peers, env = {}) =>
  startFunction(t, tasks, {
    env: {
      ...CREDENTIALS,
      AWS_REGION: REGION,
      ...Object.fromEntries(Object.entries(peers).map(([name, peer]) => [`AWS_ENDPOINT_URL_${name}`, peer.url])),
      ...env,
    },
  });

async function allDone(story, count) {
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(({ state, why }) => [state, why ?? null]), Array(count).fill(['done', null]));
  assert.equal(receipt.level, 'INFO');
  return receipt;
}

const body = JSON.stringify({ statusCode: 200, body: 'thanks', order: { id: 7, text: 'ä "quoted" 日本 \n' } });

test('SQS: the task document by default, a body of templates, strings as their text', async (t) => {
  const peer = await AwsPeer.start(t, 'sqs', endpoints.fauxqs);
  const { queueUrl } = fauxqs.createQueue('work');
  const to = arn('sqs', 'work');
  const story = await start(t, [
    { name: 'whole', send: { to } },
    { name: 'templated', send: { to, body: { order: '${request.body.order}', again: 'no. ${request.body.order.id}', at: '${request.path}' } } },
    { name: 'text', send: { to, body: 'order ${request.body.order.id} is in' } },
  ], { SQS: peer });
  await story.call(body, { at: '/orders', headers: { 'content-type': 'application/json' } });
  const receipt = await allDone(story, 3);
  const bodies = (await receive(queueUrl)).map(({ Body }) => Body);
  assert.equal(bodies.length, 3);
  assert.ok(bodies.includes('order 7 is in'));
  const parsed = bodies.filter((each) => each.startsWith('{')).map((each) => JSON.parse(each));
  assert.deepEqual(parsed.find(({ at }) => at), { order: JSON.parse(body).order, again: 'no. 7', at: '/orders' });
  const document = parsed.find(({ task }) => task === 'whole');
  assert.equal(document.id, `${receipt.requestId}/whole/1`);
  assert.equal(document.event.body, body);
  assert.equal(document.response.body, 'thanks');
});

test('SQS: a FIFO queue has the task id as group and deduplication id', async (t) => {
  const peer = await AwsPeer.start(t, 'sqs', endpoints.fauxqs);
  const { queueUrl } = fauxqs.createQueue('work.fifo', { attributes: { FifoQueue: 'true' } });
  const story = await start(t, [{ name: 'ordered', send: { to: arn('sqs', 'work.fifo'), body: { n: 1 } } }], { SQS: peer });
  await story.call(body);
  const receipt = await allDone(story, 1);
  const [message] = await receive(queueUrl);
  assert.deepEqual(JSON.parse(message.Body), { n: 1 });
  assert.equal(message.Attributes.MessageGroupId, receipt.tasks[0].id);
  assert.equal(message.Attributes.MessageDeduplicationId, receipt.tasks[0].id);
});

test('SNS: subscribers get what was published', async (t) => {
  const peer = await AwsPeer.start(t, 'sns', endpoints.fauxqs);
  const { queueUrl } = fauxqs.createQueue('news-reader');
  fauxqs.createTopic('news');
  fauxqs.subscribe({ topic: 'news', queue: 'news-reader' });
  const story = await start(t, [
    { name: 'publish', send: { to: arn('sns', 'news'), body: { text: 'a&b=c + %41 ${request.body.order.text}' } } },
  ], { SNS: peer });
  await story.call(body, { headers: { 'content-type': 'application/json' } });
  await allDone(story, 1);
  const [message] = await receive(queueUrl);
  assert.deepEqual(JSON.parse(JSON.parse(message.Body).Message), { text: `a&b=c + %41 ${JSON.parse(body).order.text}` });
});

test('S3: an object under prefix, day and task id, the whole document of a large event in it', async (t) => {
  const peer = await AwsPeer.start(t, 's3', endpoints.fauxqs);
  fauxqs.createBucket('letters');
  const story = await start(t, [{ name: 'store', send: { to: 'arn:aws:s3:::letters/in + ä/' } }], { S3: peer });
  const large = JSON.stringify({ statusCode: 200, filler: 'x'.repeat(4_000_000) });
  await story.call(large);
  const receipt = await allDone(story, 1);
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'letters' }));
  assert.equal(Contents.length, 1);
  assert.match(Contents[0].Key, /^in \+ ä\/\d{4}-\d\d-\d\d\//);
  assert.ok(Contents[0].Key.endsWith(`/${receipt.tasks[0].id}.json`));
  const object = await s3.send(new GetObjectCommand({ Bucket: 'letters', Key: Contents[0].Key }));
  const document = JSON.parse(await object.Body.transformToString());
  assert.equal(document.event.body, large);
  assert.equal(document.id, receipt.tasks[0].id);
});

// Until the stand-in has made it.
async function made(ask) {
  for (let left = 200; left > 0; left--) {
    if ((await ask()) === 'ACTIVE') return;
  }
  assert.fail('it was never made');
}

test('DynamoDB: an item is put, the same once more is refused by its condition', async (t) => {
  const peer = await AwsPeer.start(t, 'dynamodb', endpoints.dynamodb);
  await dynamodb.send(new CreateTableCommand({
    TableName: 'orders', BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  }));
  await made(async () => (await dynamodb.send(new DescribeTableCommand({ TableName: 'orders' }))).Table.TableStatus);
  const story = await start(t, [{
    name: 'put',
    aws: {
      service: 'dynamodb', operation: 'PutItem',
      input: {
        TableName: 'orders', ConditionExpression: 'attribute_not_exists(id)',
        Item: { id: { S: '${request.body.order.id}' }, text: { S: '${request.body.order.text}' }, by: { S: '${context.functionName}' } },
      },
    },
  }], { DYNAMODB: peer });
  const order = { id: 'seven', text: 'ä "quoted" 😀 \\ ${event}' };
  const call = () => story.call(JSON.stringify({ statusCode: 200, order }), { headers: { 'content-type': 'application/json' } });
  await call();
  await allDone(story, 1);
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName: 'orders', Key: { id: { S: 'seven' } } }));
  assert.deepEqual(Item, { id: { S: 'seven' }, text: { S: order.text }, by: { S: 'function' } });
  await call();
  const second = await story.outcome('put', 2);
  assert.equal(second.state, 'failed');
  assert.equal(second.attempts, 1);
  assert.equal(second.why, 'dynamodb PutItem: 400 ConditionalCheckFailedException');
});

test('Kinesis: a record with the task id as its key', async (t) => {
  const peer = await AwsPeer.start(t, 'kinesis', endpoints.kinesis);
  await kinesis.send(new CreateStreamCommand({ StreamName: 'clicks', ShardCount: 1 }));
  await made(async () => (await kinesis.send(new DescribeStreamCommand({ StreamName: 'clicks' }))).StreamDescription.StreamStatus);
  const story = await start(t, [{ name: 'record', send: { to: arn('kinesis', 'stream/clicks'), body: { path: '${request.path}', ä: '😀' } } }], { KINESIS: peer });
  await story.call(body, { at: '/a%20b' });
  const receipt = await allDone(story, 1);
  const { ShardIterator } = await kinesis.send(new GetShardIteratorCommand({
    StreamName: 'clicks', ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON',
  }));
  const { Records } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
  assert.deepEqual(Records.map(({ PartitionKey }) => PartitionKey), [receipt.tasks[0].id]);
  assert.deepEqual(JSON.parse(Buffer.from(Records[0].Data).toString()), { path: '/a%20b', ä: '😀' });
});

test('Lambda: the function is invoked asynchronously, by ARN and qualifier', async (t) => {
  const peer = await AwsPeer.start(t, 'lambda', { status: 202 });
  const story = await start(t, [{ name: 'invoke', send: { to: arn('lambda', 'function:other:live'), body: { a: '${request.method}' } } }], { LAMBDA: peer });
  await story.call(body);
  await allDone(story, 1);
  const { method, url, fields, json } = await peer.request();
  assert.equal(method, 'POST');
  assert.equal(decodeURIComponent(url), `/2015-03-31/functions/${arn('lambda', 'function:other')}/invocations?Qualifier=live`);
  assert.equal(fields['x-amz-invocation-type'], 'Event');
  assert.deepEqual(json(), { a: 'POST' });
});

test('Step Functions, EventBridge and Firehose get their own shapes', async (t) => {
  const states = await AwsPeer.start(t, 'states', { status: 200, body: '{"executionArn":"x"}' });
  const events = await AwsPeer.start(t, 'events', { status: 200, body: '{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}' });
  const firehose = await AwsPeer.start(t, 'firehose', { status: 200, body: '{"RecordId":"1"}' });
  const story = await start(t, [
    { name: 'execute', send: { to: arn('states', 'stateMachine:orders'), body: { id: '${request.body.order.id}' } } },
    { name: 'order-placed', send: { to: arn('events', 'event-bus/shop'), body: { id: '${request.body.order.id}' } } },
    { name: 'record', send: { to: arn('firehose', 'deliverystream/lake'), body: { id: '${request.body.order.id}' } } },
  ], { SFN: states, EVENTBRIDGE: events, FIREHOSE: firehose });
  await story.call(body, { headers: { 'content-type': 'application/json' } });
  await allDone(story, 3);

  const execution = (await states.request()).json();
  assert.equal(states.requests[0].operation, 'StartExecution');
  assert.equal(execution.stateMachineArn, arn('states', 'stateMachine:orders'));
  assert.match(execution.name, /^[0-9A-Za-z_-]{1,80}$/);
  assert.deepEqual(JSON.parse(execution.input), { id: 7 });

  assert.equal(events.requests[0].operation, 'PutEvents');
  const [entry] = events.requests[0].json().Entries;
  assert.equal(entry.Source, 'postlude');
  assert.equal(entry.DetailType, 'order-placed');
  assert.equal(entry.EventBusName, arn('events', 'event-bus/shop'));
  assert.deepEqual(JSON.parse(entry.Detail), { id: 7 });

  assert.equal(firehose.requests[0].operation, 'PutRecord');
  const { DeliveryStreamName, Record } = firehose.requests[0].json();
  assert.equal(DeliveryStreamName, 'lake');
  assert.equal(Buffer.from(Record.Data, 'base64').toString(), '{"id":7}\n');
});

test('a REST service, and one that is in no list, by target', async (t) => {
  const mail = await AwsPeer.start(t, 'ses', { status: 200, body: '{"MessageId":"1"}' });
  const other = await AwsPeer.start(t, 'frauddetector', { status: 200, body: '{}' });
  const story = await start(t, [
    { name: 'mail', aws: { service: 'ses', method: 'POST', path: '/v2/email/outbound-emails', input: { Content: { Simple: { Subject: '${request.body.order.text}' } } } } },
    { name: 'judge', aws: { service: 'frauddetector', target: 'AWSHawksNestServiceFacade', jsonVersion: '1.1', signingName: 'frauddetector', operation: 'GetEventPrediction', input: { eventId: '${context.id}' } } },
  ], { SESV2: mail, FRAUDDETECTOR: other });
  await story.call(body, { headers: { 'content-type': 'application/json' } });
  await allDone(story, 2);
  assert.equal(mail.requests[0].url, '/v2/email/outbound-emails');
  assert.equal(mail.requests[0].json().Content.Simple.Subject, JSON.parse(body).order.text);
  assert.equal(other.requests[0].fields['x-amz-target'], 'AWSHawksNestServiceFacade.GetEventPrediction');
});

test('the trace id goes to AWS, and to no other server', async (t) => {
  const aws = await AwsPeer.start(t, 'sqs', { status: 200, body: '{}' });
  const other = await HttpPeer.start(t);
  const story = await start(t, [
    { name: 'send', send: { to: arn('sqs', 'work'), body: 1 } },
    { name: 'post', http: { url: other.url(), json: { trace: '${context.traceId}' } } },
  ], { SQS: aws });
  await story.call(body);
  await allDone(story, 2);
  const { fields } = await aws.request();
  const { headers, body: posted } = await other.request();
  assert.match(fields['x-amzn-trace-id'], /^Root=1-/);
  assert.equal(headers['x-amzn-trace-id'], undefined);
  assert.equal(JSON.parse(posted).trace, fields['x-amzn-trace-id']);
});

test('a queue of another region and account is asked there, and signed for it', async (t) => {
  const peer = await AwsPeer.start(t, 'sqs', { status: 200, body: '{}' }, { region: 'us-east-2' });
  const story = await start(t, [{ name: 'far', send: { to: 'arn:aws:sqs:us-east-2:123456789012:far', body: 1 } }], { SQS: peer });
  await story.call(body);
  await allDone(story, 1);
  assert.equal(peer.requests[0].json().QueueUrl, `${peer.url}/123456789012/far`);
  assert.notEqual(ACCOUNT, '123456789012');
});
