// Where work goes that cannot be finished here: what the dead letter gets, when, and what the receipt says.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ACCOUNT, arn, AwsPeer, CREDENTIALS, failure, REGION } from './aws_peer.mjs';
import { HttpPeer } from './http_peer.mjs';
import { startFunction } from './task_story.mjs';

const TAKEN = { status: 200, body: '{}' };
const LETTERS = arn('sqs', 'letters');
const answer = JSON.stringify({ statusCode: 201, body: 'thanks', wish: 'ä "quoted"' });

// The function called "buffered" answers whatever it was given in a few words.
const start = (t, tasks, sqs, { env = {}, options = [], folder = 'returns' } = {}) =>
  startFunction(t, tasks, {
    folder,
    env: { ...CREDENTIALS, AWS_REGION: REGION, AWS_ENDPOINT_URL: sqs.url, POSTLUDE_DEAD_LETTER: LETTERS, ...env },
    options,
  });

const letterOf = (request) => JSON.parse(request.json().MessageBody);
const brief = ({ name, state, attempts, why }) => [name, state, attempts, why ?? null];
const silent = () => {}; // answers nothing

test('attempts used up: the letter has the definition unresolved, the last error and the whole document', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', TAKEN);
  const server = await HttpPeer.start(t, [{ status: 503 }]);
  const task = {
    name: 'notify', attempts: 2, backoff: '10ms',
    http: { url: server.url(), json: { wish: '${request.body.wish}', token: '${env.API_TOKEN}' } },
  };
  const story = await start(t, [task], sqs, { env: { API_TOKEN: 'token-in-env' } });
  await story.call(answer, { at: '/orders', headers: { 'content-type': 'application/json' } });
  const receipt = await story.receipt();
  assert.equal(receipt.level, 'WARN');
  assert.deepEqual(receipt.tasks.map(brief), [['notify', 'spilled', 2, `HTTP 503 from 127.0.0.1:${server.port}`]]);
  assert.equal(sqs.requests.length, 1);
  assert.equal(sqs.requests[0].json().QueueUrl, `${sqs.url}/${ACCOUNT}/letters`);
  const { document, task: definition, ...letter } = letterOf(sqs.requests[0]);
  assert.deepEqual(letter, {
    postlude: 'deadLetter', version: 1, id: `${receipt.requestId}/notify/1`, state: 'failed', attempts: 2,
    lastError: `HTTP 503 from 127.0.0.1:${server.port}`,
  });
  const { url, json } = definition.http;
  assert.deepEqual({ url, json }, task.http);
  assert.deepEqual([definition.name, definition.attempts, definition.deadLetter], ['notify', 2, LETTERS]);
  assert.deepEqual(Object.keys(document).sort(), [
    'attempt', 'deadlineMs', 'error', 'event', 'functionArn', 'id', 'payload', 'requestId', 'response', 'task',
    'tenantId', 'traceId', 'truncated',
  ]);
  assert.equal(document.event.body, answer);
  assert.equal(document.event.rawPath, '/orders');
  assert.equal(document.response.statusCode, 201);
  assert.equal(document.response.body, 'thanks');
  assert.equal(document.attempt, 2);
  assert.equal(document.truncated, null);
  assert.ok(!sqs.requests[0].body.includes('token-in-env'));
});

test('the dead letter of a task comes before the one for all, and tasks that are done get none', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', TAKEN);
  const story = await start(t, [
    { name: 'own', deadLetter: arn('sqs', 'own'), command: ['sh', '-c', 'exit 3'] },
    { name: 'common', command: ['sh', '-c', 'exit 4'] },
    { name: 'fine', command: ['true'] },
  ], sqs);
  await story.call(answer);
  const { tasks, level } = await story.receipt();
  assert.equal(level, 'WARN');
  assert.deepEqual(tasks.map(brief), [['own', 'spilled', 1, 'exit status 3'], ['common', 'spilled', 1, 'exit status 4'], ['fine', 'done', 1, null]]);
  const queues = sqs.requests.map((request) => [letterOf(request).document.task, request.json().QueueUrl.split('/').at(-1)]);
  assert.deepEqual(queues.sort(), [['common', 'letters'], ['own', 'own']]);
});

test('what a template misses goes there too, and an event of 6 MB is left out where it does not fit', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', TAKEN);
  const server = await HttpPeer.start(t);
  const story = await start(t, [{ name: 'post', http: { url: server.url(), body: '${request.body.nothing}' } }], sqs, { folder: 'buffered' });
  const large = JSON.stringify({ filler: 'x'.repeat(5_500_000) });
  await story.call(large, { headers: { 'content-type': 'application/json' } });
  const task = await story.outcome('post');
  assert.deepEqual([task.state, task.attempts], ['spilled', 1]);
  const { document, lastError } = letterOf(sqs.requests[0]);
  assert.equal(lastError, 'http.body: ${request.body.nothing} is missing in the event');
  assert.equal(document.event, null);
  assert.deepEqual(document.truncated, ['event']);
  assert.equal(document.response.body, 'thank you for order undefined');
  assert.equal(server.requests.length, 0);
});

test('an S3 prefix takes the whole event', async (t) => {
  const s3 = await AwsPeer.start(t, 's3', { status: 200 });
  const story = await start(t, [{ name: 'fail', command: ['false'] }], s3, {
    folder: 'buffered', env: { POSTLUDE_DEAD_LETTER: 'arn:aws:s3:::bucket/dead/' },
  });
  const large = JSON.stringify({ filler: 'x'.repeat(5_500_000) });
  await story.call(large);
  const task = await story.outcome('fail');
  assert.equal(task.state, 'spilled');
  const { method, url, json } = s3.requests[0];
  assert.equal(method, 'PUT');
  assert.match(decodeURIComponent(url), new RegExp(`^/bucket/dead/\\d{4}-\\d\\d-\\d\\d/${task.id}\\.json$`));
  assert.equal(json().document.event.body, large);
  assert.equal(json().document.truncated, null);
});

test('work that does not fit before the deadline is handed over inside the margin', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', TAKEN);
  const server = await HttpPeer.start(t, [silent]);
  const story = await start(t, [
    { name: 'hangs', http: { url: server.url() } },
    { name: 'sleeps', command: ['sh', '-c', 'trap "" TERM; sleep 60'] },
    { name: 'never-starts', command: ['true'] },
  ], sqs, { env: { POSTLUDE_CONCURRENCY: '2' }, options: ['--timeout', '2s'] });
  await story.call(answer);
  const { tasks, level } = await story.receipt();
  assert.equal(level, 'WARN');
  assert.deepEqual(tasks.map(brief), [
    ['hangs', 'spilled', 0, 'cut by the deadline'],
    ['sleeps', 'spilled', 0, 'cut by the deadline'],
    ['never-starts', 'spilled', 0, 'no time left'],
  ]);
  const end = await story.lambda.event('invokeEnd');
  assert.equal(end.status, 'success');
  assert.equal(sqs.requests.length, 3);
  for (const request of sqs.requests) {
    const { document, state, lastError } = letterOf(request);
    assert.equal(state, 'expired');
    assert.ok(['cut by the deadline', 'no time left'].includes(lastError), lastError);
    assert.ok(request.at >= document.deadlineMs - 5 && request.at < document.deadlineMs + 400, `${request.at - document.deadlineMs} ms`);
  }
});

test('a Retry-After that is too long to wait for', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', TAKEN);
  const server = await HttpPeer.start(t, [{ status: 429, headers: { 'Retry-After': '60' } }]);
  const story = await start(t, [{ name: 'post', http: { url: server.url() } }], sqs);
  await story.call(answer);
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(brief), [['post', 'spilled', 1, `HTTP 429 from 127.0.0.1:${server.port}`]]);
  assert.ok(receipt.heldMs < 1500, `${receipt.heldMs} ms`);
  assert.equal(letterOf(sqs.requests[0]).state, 'expired');
});

test('a dead letter that refuses: the task is carried, and handed over in the next invocation', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', failure('AccessDeniedException', 403));
  const story = await start(t, [{ name: 'fail', command: ['sh', '-c', 'exit 3'], match: { 'request.path': '/fail' } }], sqs);
  await story.call(answer, { at: '/fail' });
  const first = await story.receipt();
  assert.deepEqual(first.tasks.map(brief), [['fail', 'carried', 1, 'dead letter: sqs SendMessage: 403 AccessDeniedException']]);
  sqs.answerWith(TAKEN);
  await story.call(answer);
  const second = await story.receipt(2);
  assert.deepEqual(second.tasks.map(brief), [['fail', 'spilled', 1, 'exit status 3']]);
  assert.equal(second.tasks[0].id, first.tasks[0].id);
  const letters = sqs.requests.map(letterOf);
  assert.equal(letters.length, 2);
  assert.equal(letters[1].lastError, 'exit status 3');
  assert.equal(letters[1].document.requestId, first.requestId);
});

test('a dead letter that is throttled has the task carried as well', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', [failure('ThrottlingException'), TAKEN]);
  const story = await start(t, [{ name: 'fail', command: ['false'], match: { 'request.path': '/fail' } }], sqs);
  await story.call(answer, { at: '/fail' });
  assert.equal((await story.outcome('fail')).why, 'dead letter: sqs SendMessage: 400 ThrottlingException');
  await story.call(answer);
  assert.equal((await story.outcome('fail', 2)).state, 'spilled');
});

test('an overlong letter is sent once more, shorter, where the queue was set to take less', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', ({ body }) =>
    (body.length > 300_000 ? failure('InvalidParameterValue') : TAKEN));
  const story = await start(t, [{ name: 'fail', command: ['false'] }], sqs, { folder: 'buffered' });
  await story.call(JSON.stringify({ filler: 'x'.repeat(600_000) }));
  assert.equal((await story.outcome('fail')).state, 'spilled');
  assert.equal(sqs.requests.length, 2);
  assert.deepEqual(letterOf(sqs.requests[1]).document.truncated, ['event']);
});
