// HTTP tasks that run for some answers only, that the function defers, and what they see of the answer.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HttpPeer } from './http_peer.mjs';
import { startFunction } from './task_story.mjs';

const answer = (body = 'answered', more = {}) => JSON.stringify({ statusCode: 200, body, ...more });
const ran = (receipt) => receipt.tasks.map((task) => task.name).sort();

test('match: lists, globs, numbers, booleans; a task that does not match appears nowhere', async (t) => {
  const peer = await HttpPeer.start(t);
  const http = { url: peer.url('127.0.0.1', '/${context.task}') };
  const matches = {
    path: { 'request.path': '/slack/*' },
    list: { 'response.statusCode': [200, 202] },
    both: { 'request.path': '/slack/*', 'response.statusCode': 202 },
    'as-text': { 'response.statusCode': '2*' },
    'other-type': { 'event.isBase64Encoded': 'tru*' },
    boolean: { 'event.isBase64Encoded': false },
    missing: { 'request.body.nothing': '*' },
    'case': { 'request.path': '/Slack/*' },
    object: { 'event.requestContext': '*' },
    middle: { 'request.headers.x-kind': ['never', 'a*c*e'] },
    'from-env': { 'env.STAGE': 'prod' },
  };
  const story = await startFunction(
    t,
    Object.entries(matches).map(([name, match]) => ({ name, match, http })),
    { env: { STAGE: 'prod' } },
  );
  await story.call(answer('', { statusCode: 202 }), { at: '/slack/commands', headers: { 'X-Kind': 'abcde' } });
  const first = await story.receipt(1);
  assert.deepEqual(ran(first), ['as-text', 'boolean', 'both', 'from-env', 'list', 'middle', 'path']);
  await story.call(answer('', { statusCode: 404 }), { at: '/other' });
  const second = await story.receipt(2);
  assert.deepEqual(ran(second), ['boolean', 'from-env']);
  assert.deepEqual(
    peer.requests.map((request) => request.url.slice(1)).sort(),
    [...ran(first), ...ran(second)].sort(),
  );
});

test('an invocation for which nothing matches has no receipt', async (t) => {
  const peer = await HttpPeer.start(t);
  const story = await startFunction(t, [{ name: 'tell', match: { 'request.path': '/yes' }, http: { url: peer.url() } }]);
  await story.call(answer(), { at: '/no' });
  await story.lambda.event('invokeEnd', 1);
  await story.call(answer(), { at: '/yes' });
  assert.deepEqual(ran(await story.receipt(1)), ['tell']);
  assert.equal(story.lambda.log.filter((line) => line.includes('"receipt"')).length, 1);
  assert.equal(peer.requests.length, 1);
});

test('a function defers a named and an inline HTTP task with payloads', async (t) => {
  const peer = await HttpPeer.start(t);
  const story = await startFunction(
    t,
    [{ name: 'notify', trigger: 'demand', http: { url: peer.url('127.0.0.1', '/${payload.room}'), json: '${payload}' } }],
    { folder: 'defers', env: { POSTLUDE_CONCURRENCY: '1' } },
  );
  const payload = { room: 'a/b', list: [1, null, 'ü'] };
  const inline = {
    name: 'inline',
    payload: { text: 'hello' },
    http: { url: peer.url('127.0.0.1', '/inline'), json: { text: '${payload.text}', id: '${context.id}' } },
  };
  const wrong = { http: { url: 'ftp://x/', json: 1 } };
  const unknown = { task: 'nobody' };
  const answered = await story.call(JSON.stringify({ defer: [{ task: 'notify', payload }, inline, wrong, unknown] }));
  const said = JSON.parse(answered.text);
  const receipt = await story.receipt();
  assert.deepEqual(said.map((one) => one.status), [202, 202, 400, 404]);
  assert.equal(said[0].id, `${receipt.requestId}/notify/1`);
  assert.equal(said[1].id, `${receipt.requestId}/inline/1`);
  assert.match(said[2].error.message, /"url" is "ftp:\/\/x\/", expected an absolute http or https URL/);
  assert.deepEqual(receipt.tasks.map(({ id, state }) => ({ id, state })), [
    { id: said[0].id, state: 'done' },
    { id: said[1].id, state: 'done' },
  ]);
  assert.equal(peer.requests[0].url, '/a%2Fb');
  assert.deepEqual(JSON.parse(peer.requests[0].body), payload);
  assert.deepEqual(JSON.parse(peer.requests[1].body), { text: 'hello', id: said[1].id });
});

test('the same task deferred twice is two tasks, each with its own payload and id', async (t) => {
  const peer = await HttpPeer.start(t);
  const story = await startFunction(
    t,
    [{ name: 'notify', trigger: 'demand', http: { url: peer.url(), json: '${payload}' } }],
    { folder: 'defers' },
  );
  const defer = [1, 2, 3].map((payload) => ({ task: 'notify', payload }));
  await story.call(JSON.stringify({ defer }));
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map((task) => task.id).sort(), [1, 2, 3].map((n) => `${receipt.requestId}/notify/${n}`));
  const got = peer.requests.map(({ headers, body }) => `${headers['idempotency-key'].split('/').at(-1)} ${body}`);
  assert.deepEqual(got.sort(), ['1 1', '2 2', '3 3']);
});

const big = 'x'.repeat(300 * 1024);
const views = {
  'a JSON body is parsed': [
    { statusCode: 200, headers: { 'Content-Type': 'application/json; charset=utf-8' }, body: '{"a":[1,{"b":"c"}]}' },
    '${response.body.a.1.b}',
    'c',
  ],
  'a base64 body is decoded': [
    { statusCode: 200, headers: { 'Content-Type': 'text/plain' }, body: 'Z3LDvMOfZQ==', isBase64Encoded: true },
    '${response.body}',
    'grüße',
  ],
  'a form body is parsed': [
    { statusCode: 200, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'a=1+2&b=%C3%A4' },
    ['${response.body.a}', '${response.body.b}'],
    ['1 2', 'ä'],
  ],
  'headers are in lower case, cookies a list': [
    { statusCode: 200, headers: { 'X-Kind': 'K' }, cookies: ['a=b'], body: '' },
    ["${response.headers['x-kind']}", '${response.cookies}'],
    ['K', ['a=b']],
  ],
  'any other JSON is that value': [{ deep: [1, 2, { x: null }] }, '${response.deep}', [1, 2, { x: null }]],
  'a string is that string': ['just text', '${response}', 'just text'],
  'null is missing': [null, '${response:-nothing}', 'nothing'],
  'a body above the limit counts as missing': [{ statusCode: 200, body: big }, '${response.body:-too long}', 'too long'],
};

for (const [name, [result, json, expected]] of Object.entries(views)) {
  test(`the answer in templates: ${name}`, async (t) => {
    const peer = await HttpPeer.start(t);
    const story = await startFunction(t, [{ name: 'tell', http: { url: peer.url(), json } }]);
    await story.call(JSON.stringify(result));
    assert.equal((await story.outcome('tell')).state, 'done');
    assert.deepEqual(JSON.parse(peer.requests[0].body), expected);
  });
}
