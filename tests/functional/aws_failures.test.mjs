// What becomes of `send` and `aws` tasks whose service does not take them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test from 'node:test';
import { arn, AwsPeer, CREDENTIALS, failure, REGION } from './aws_peer.mjs';
import { startFunction } from './task_story.mjs';

const TAKEN = { status: 200, body: '{}' };
const answer = JSON.stringify({ statusCode: 200, body: 'thanks' });
const send = (more = {}) => ({ name: 'send', backoff: '10ms', send: { to: arn('sqs', 'work'), body: 1 }, ...more });

// One SQS endpoint, one task, one call: how the task ended.
async function outcome(t, task, sqs, env = {}) {
  const story = await startFunction(t, [task], {
    env: { ...CREDENTIALS, AWS_REGION: REGION, AWS_ENDPOINT_URL: sqs?.url ?? sqs, ...env },
  });
  const { status } = await story.call(answer);
  assert.equal(status, 200);
  const { state, attempts, why, ms } = await story.outcome('send');
  return { state, attempts, why, ms, story };
}

const ended = ({ state, attempts, why }) => [state, attempts, why ?? null];

test('throttled twice, taken the third time', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', [failure('ThrottlingException'), failure('com.amazonaws.sqs#RequestThrottled'), TAKEN]);
  assert.deepEqual(ended(await outcome(t, send(), sqs)), ['done', 3, null]);
  assert.equal(sqs.requests.length, 3);
});

test('errors of the service are tried again until the attempts are used up', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', { status: 500, body: 'no JSON <Code>' });
  assert.deepEqual(ended(await outcome(t, send({ attempts: 4 }), sqs)), ['failed', 4, 'sqs SendMessage: 500']);
  assert.equal(sqs.requests.length, 4);
});

test('a refusal is final', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', failure('AccessDeniedException', 403));
  assert.deepEqual(ended(await outcome(t, send(), sqs)), ['failed', 1, 'sqs SendMessage: 403 AccessDeniedException']);
  assert.equal(sqs.requests.length, 1);
});

test('what a service says of a refusal is not repeated', async (t) => {
  const body = JSON.stringify({ __type: 'AccessDeniedException', message: 'User arn:aws:sts::1:x is not allowed' });
  const sqs = await AwsPeer.start(t, 'sqs', { status: 400, body });
  const { story, why } = await outcome(t, send(), sqs);
  assert.equal(why, 'sqs SendMessage: 400 AccessDeniedException');
  assert.ok(!story.lambda.log.some((line) => line.includes('not allowed')));
});

test('a queue that does not exist is asked for its URL, then the task fails', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', failure('com.amazonaws.sqs#QueueDoesNotExist'));
  assert.deepEqual(ended(await outcome(t, send(), sqs)), ['failed', 1, 'sqs SendMessage: 400 QueueDoesNotExist']);
  assert.deepEqual(sqs.requests.map(({ operation }) => operation), ['SendMessage', 'GetQueueUrl']);
});

test('a queue URL that is none changes nothing', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', ({ operation }) =>
    (operation === 'GetQueueUrl' ? { status: 200, body: '{"QueueUrl":7}' } : failure('QueueDoesNotExist')));
  assert.deepEqual(ended(await outcome(t, send(), sqs)), ['failed', 1, 'sqs SendMessage: 400 QueueDoesNotExist']);
});

test('an endpoint where nobody listens, and a name that is none', async (t) => {
  const nobody = net.createServer().listen(0, '127.0.0.1');
  await once(nobody, 'listening');
  const { port } = nobody.address();
  nobody.close();
  await once(nobody, 'close');
  const refused = await outcome(t, send(), `http://127.0.0.1:${port}`);
  assert.deepEqual(ended(refused), ['failed', 3, `sqs SendMessage: connection to 127.0.0.1:${port} refused`]);
  const unknown = await outcome(t, send({ attempts: 2 }), 'http://no-such-host.invalid');
  assert.deepEqual([unknown.state, unknown.attempts], ['failed', 2]);
  assert.match(unknown.why, /^sqs SendMessage: .*no-such-host\.invalid/);
});

test('an endpoint that accepts and never answers: each attempt ends at its timeout', async (t) => {
  const silent = net.createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const sockets = [];
  silent.on('connection', (socket) => sockets.push(socket.on('error', () => {})));
  t.after(() => {
    sockets.forEach((socket) => socket.destroy());
    silent.close();
  });
  const end = await outcome(t, send({ attempts: 2, timeout: '150ms' }), `http://127.0.0.1:${silent.address().port}`);
  assert.deepEqual(ended(end), ['failed', 2, 'timed out after 150 ms']);
  assert.ok(end.ms >= 300 && end.ms < 5000, `${end.ms} ms`);
  assert.equal(sockets.length, 2);
});

test('Retry-After is waited for', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', [{ ...failure('ThrottlingException'), headers: { 'Retry-After': '1' } }, TAKEN]);
  assert.deepEqual(ended(await outcome(t, send(), sqs)), ['done', 2, null]);
  const [first, second] = sqs.requests;
  assert.ok(second.at - first.at >= 990, `${second.at - first.at} ms`);
});

test('an endpoint that is no URL fails the task at once, by its variable', async (t) => {
  const end = await outcome(t, send(), 'ftp://127.0.0.1');
  assert.deepEqual([end.state, end.attempts], ['failed', 1]);
  assert.match(end.why, /^send: the endpoint of sqs in AWS_ENDPOINT_URL\.\.\.: expected http/);
});

test('entries that a bus did not take are a failure, though it answers 200', async (t) => {
  const bus = await AwsPeer.start(t, 'events', [
    { status: 200, body: '{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"x"}]}' },
    { status: 200, body: '{"FailedEntryCount":1,"Entries":[{"ErrorCode":"NotAuthorizedForSourceException"}]}' },
  ]);
  const end = await outcome(t, send({ send: { to: arn('events', 'event-bus/default'), body: 1 } }), bus);
  assert.deepEqual(ended(end), ['failed', 2, 'events PutEvents: 200 with failed entries NotAuthorizedForSourceException']);
});

test('an execution that exists already was started by an earlier attempt', async (t) => {
  const states = await AwsPeer.start(t, 'states', [{ status: 503 }, failure('ExecutionAlreadyExists')]);
  const end = await outcome(t, send({ send: { to: arn('states', 'stateMachine:m'), body: { a: 1 } } }), states);
  assert.deepEqual(ended(end), ['done', 2, null]);
  const [first, second] = states.requests.map(({ json }) => json().name);
  assert.equal(first, second);
});

test('a document that the target does not take fails before anything is sent', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', TAKEN);
  const story = await startFunction(t, [{ name: 'send', send: { to: arn('sqs', 'work') } }], {
    env: { ...CREDENTIALS, AWS_REGION: REGION, AWS_ENDPOINT_URL: sqs.url },
  });
  await story.call(JSON.stringify({ statusCode: 200, filler: 'x'.repeat(2_000_000) }));
  const { state, attempts, why } = await story.outcome('send');
  assert.deepEqual([state, attempts], ['failed', 1]);
  assert.match(why, /^the task document takes \d+ bytes, the target takes 1048576 at most: give "body"$/);
  assert.equal(sqs.requests.length, 0);
});
