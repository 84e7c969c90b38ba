// Tasks of every kind that a function defers, by name and inline, with the helper module.
import assert from 'node:assert/strict';
import test from 'node:test';
import { arn, AwsPeer, CREDENTIALS, REGION } from './aws_peer.mjs';
import { HttpPeer } from './http_peer.mjs';
import { startFunction } from './task_story.mjs';

const QUEUE = arn('sqs', 'orders');

async function start(t, tasks) {
  const web = await HttpPeer.start(t);
  const sqs = await AwsPeer.start(t, 'sqs', [{ status: 200, body: '{"MessageId":"1"}' }]);
  const table = await AwsPeer.start(t, 'dynamodb', [{ status: 200, body: '{}' }]);
  const story = await startFunction(t, tasks(web), {
    folder: 'defers-kinds',
    env: {
      ...CREDENTIALS,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_SQS: sqs.url,
      AWS_ENDPOINT_URL_DYNAMODB: table.url,
    },
  });
  return { web, sqs, table, story };
}

const item = { TableName: 'orders', Item: { id: { S: '${payload.id}' } } };
const actions = (web) => ({
  command: { command: ['sh', '-c', 'echo "program: $1"', 'sh', '${payload.id}'] },
  http: { http: { url: web.url('127.0.0.1', '/${payload.id}') } },
  send: { send: { to: QUEUE, body: '${payload}' } },
  aws: { aws: { service: 'dynamodb', operation: 'PutItem', input: item } },
  handler: { handler: {} },
});

async function check({ web, sqs, table, story }, named) {
  const payload = { id: 'a/1' };
  const kinds = actions(web);
  const defer = Object.keys(kinds).map((kind) => [named ? `do-${kind}` : kinds[kind], payload]);
  const answer = await story.call(JSON.stringify({ defer }));
  assert.equal(answer.status, 200, answer.text);
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(({ state, why }) => [state, why]), Array(5).fill(['done', undefined]));
  assert.deepEqual(JSON.parse(answer.text), receipt.tasks.map(({ id }) => id));
  assert.ok(story.lambda.log.includes('program: a/1'));
  assert.ok(story.lambda.log.includes('again: {"id":"a/1"}'));
  assert.equal(web.requests[0].url, '/a%2F1');
  assert.deepEqual(JSON.parse(sqs.requests[0].json().MessageBody), payload);
  assert.deepEqual(table.requests[0].json().Item, { id: { S: 'a/1' } });
  assert.equal(receipt.handlerRequestIds.length, 1);
  return receipt;
}

test('by name', async (t) => {
  const there = await start(t, (web) =>
    Object.entries(actions(web)).map(([kind, action]) => ({ name: `do-${kind}`, trigger: 'demand', ...action })));
  const receipt = await check(there, true);
  assert.equal(receipt.tasks[0].id, `${receipt.requestId}/do-command/1`);
});

test('inline', async (t) => {
  const there = await start(t, () => []);
  const receipt = await check(there, false);
  assert.equal(receipt.tasks[4].id, `${receipt.requestId}/handler/1`);
});
