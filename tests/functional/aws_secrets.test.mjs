// Secrets and parameters in templates, and the credentials that they and everything else of AWS need.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { arn, AwsPeer, CREDENTIALS, failure, KEYS, REGION } from './aws_peer.mjs';
import { HttpPeer } from './http_peer.mjs';
import { startFunction, temporaryFolder } from './task_story.mjs';

const NO_KEYS = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '' };
const HIDDEN = 'hidden-value-4711';
const answer = JSON.stringify({ statusCode: 200, body: 'thanks' });
const secret = (value) => ({ status: 200, body: JSON.stringify({ Name: 'x', SecretString: value }) });
const parameter = (value) => ({ status: 200, body: JSON.stringify({ Parameter: { Name: 'x', Value: value } }) });

const start = (t, tasks, peers, env = CREDENTIALS) =>
  startFunction(t, tasks, {
    folder: 'reentered',
    env: {
      AWS_REGION: REGION,
      ...Object.fromEntries(Object.entries(peers).map(([name, peer]) => [`AWS_ENDPOINT_URL_${name}`, peer.url])),
      ...env,
    },
  });

function everythingIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath ?? entry.path, entry.name), 'latin1'));
}

test('secrets and parameters are fetched once for several tasks, and stand in no file and no log', async (t) => {
  const secrets = await AwsPeer.start(t, 'secretsmanager', secret(JSON.stringify({ key: HIDDEN, n: 3 })));
  const parameters = await AwsPeer.start(t, 'ssm', parameter(`${HIDDEN} of ssm`));
  // The spool is looked at while the last of them is under way.
  let search;
  const searched = new Promise((resolve) => { search = resolve; });
  const spool = temporaryFolder(t);
  const server = await HttpPeer.start(t, [
    { status: 200 }, { status: 200 },
    (_, response) => {
      search(everythingIn(spool));
      response.end();
    },
  ]);
  const post = (name, more) => ({ name, http: { url: server.url(), ...more } });
  const story = await start(t, [
    post('one', { headers: { authorization: "Bearer ${secret['api'].key}" }, json: { n: "${secret['api'].n}", all: "${secret['api']}" } }),
    post('two', { json: { at: "${ssm['/app/token']}" } }),
    post('three', { body: "${secret['api'].key} ${ssm['/app/token']}" }),
    { name: 'again', handler: { event: { again: { again: 'ok' }, length: '${context.task}' } } },
  ], { SECRETS_MANAGER: secrets, SSM: parameters }, { ...CREDENTIALS, POSTLUDE_CONCURRENCY: '1', POSTLUDE_SPOOL_DIR: spool, POSTLUDE_LOG_LEVEL: 'DEBUG' });
  await story.call(answer);
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(({ state }) => state), ['done', 'done', 'done', 'done']);
  assert.equal(server.requests[0].headers.authorization, `Bearer ${HIDDEN}`);
  assert.deepEqual(JSON.parse(server.requests[0].body), { n: 3, all: JSON.stringify({ key: HIDDEN, n: 3 }) });
  assert.deepEqual(JSON.parse(server.requests[1].body), { at: `${HIDDEN} of ssm` });
  assert.equal(server.requests[2].body, `${HIDDEN} ${HIDDEN} of ssm`);
  await story.call(answer);
  await story.receipt(2);
  assert.deepEqual(secrets.requests.map(({ operation, json }) => [operation, json()]), [['GetSecretValue', { SecretId: 'api' }]]);
  assert.deepEqual(parameters.requests.map(({ operation, json }) => [operation, json()]), [['GetParameter', { Name: '/app/token', WithDecryption: true }]]);
  const files = await searched;
  assert.ok(files.some((text) => text.includes('/app/token')), 'the record of the task is in the spool');
  assert.ok(!files.some((text) => text.includes(HIDDEN)));
  assert.ok(!story.lambda.log.some((line) => line.includes(HIDDEN)));
});

test('tasks that start at once ask for a secret once', async (t) => {
  const secrets = await AwsPeer.start(t, 'secretsmanager', secret(HIDDEN));
  const server = await HttpPeer.start(t);
  const story = await start(
    t,
    [1, 2, 3, 4].map((n) => ({ name: `task-${n}`, http: { url: server.url(), body: "${secret['api']}" } })),
    { SECRETS_MANAGER: secrets },
  );
  await story.call(answer);
  await story.receipt();
  assert.deepEqual(server.requests.map(({ body }) => body), Array(4).fill(HIDDEN));
  assert.equal(secrets.requests.length, 1);
});

test('a fallback stands in for what does not exist, and for nothing else', async (t) => {
  const secrets = await AwsPeer.start(t, 'secretsmanager', ({ json }) => {
    const id = json().SecretId;
    if (id === 'forbidden') return failure('AccessDeniedException');
    return id === 'there' ? secret('{"key":null}') : failure('ResourceNotFoundException');
  });
  const parameters = await AwsPeer.start(t, 'ssm', failure('ParameterNotFound'));
  const server = await HttpPeer.start(t);
  const post = (name, body) => ({ name, http: { url: server.url(), body } });
  const story = await start(t, [
    post('absent', "a ${secret['none']:-fallback} ${secret['none'].key:-of key} ${ssm['/none']:-of ssm} ${secret['there'].key:-of null}"),
    post('named', "${secret['none']}"),
    post('denied', "${secret['forbidden']:-fallback}"),
  ], { SECRETS_MANAGER: secrets, SSM: parameters });
  await story.call(answer);
  const { tasks } = await story.receipt();
  assert.deepEqual(tasks.map(({ name, state, attempts }) => [name, state, attempts]), [
    ['absent', 'done', 1], ['named', 'failed', 1], ['denied', 'failed', 1],
  ]);
  assert.deepEqual(server.requests.map(({ body }) => body), ['a fallback of key of ssm of null']);
  assert.equal(tasks[1].why,
    "http.body: ${secret['none']} is missing in Secrets Manager (secretsmanager GetSecretValue: 400 ResourceNotFoundException)");
  assert.equal(tasks[2].why, "secret['forbidden']: secretsmanager GetSecretValue: 400 AccessDeniedException");
});

test('a secret that cannot be had now is tried again', async (t) => {
  const secrets = await AwsPeer.start(t, 'secretsmanager', [failure('ThrottlingException'), { status: 500 }, secret(HIDDEN)]);
  const server = await HttpPeer.start(t);
  const story = await start(t, [{ name: 'post', backoff: '10ms', http: { url: server.url(), body: "${secret['api']}" } }], { SECRETS_MANAGER: secrets });
  await story.call(answer);
  const task = await story.outcome('post');
  assert.deepEqual([task.state, task.attempts], ['done', 3]);
  assert.equal(secrets.requests.length, 3);
});

const container = (keys, expiresIn = 3_600_000) => ({
  status: 200,
  body: JSON.stringify({
    AccessKeyId: keys.accessKeyId, SecretAccessKey: keys.secretAccessKey, Token: keys.sessionToken,
    Expiration: new Date(Date.now() + expiresIn).toISOString(),
  }),
});
const queue = { name: 'send', backoff: '10ms', send: { to: arn('sqs', 'work'), body: 1 } };

test('credentials of the container endpoint are fetched with its token, once, and signed with', async (t) => {
  const endpoint = await AwsPeer.start(t, null, container(KEYS));
  const sqs = await AwsPeer.start(t, 'sqs', { status: 200, body: '{}' });
  const story = await start(t, [queue, { ...queue, name: 'other' }], { SQS: sqs }, {
    ...NO_KEYS,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint.url}/2021-04-23/credentials?a=b`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'let me in',
  });
  await story.call(answer);
  await story.receipt();
  await story.call(answer);
  const { tasks } = await story.receipt(2);
  assert.deepEqual(tasks.map(({ state }) => state), ['done', 'done']);
  assert.deepEqual(endpoint.requests.map(({ method, url, fields }) => [method, url, fields.authorization, fields['x-amzn-trace-id']]), [
    ['GET', '/2021-04-23/credentials?a=b', 'let me in', undefined],
  ]);
  assert.equal(sqs.requests.length, 4);
});

test('credentials that a service calls expired are fetched anew within the attempt', async (t) => {
  const old = { accessKeyId: 'OLD', secretAccessKey: 'old', sessionToken: 'old' };
  const endpoint = await AwsPeer.start(t, null, [container(old), container(KEYS)]);
  const sqs = await AwsPeer.start(t, null, ({ fields }) =>
    (fields.authorization.includes('Credential=OLD/') ? failure('ExpiredTokenException') : { status: 200, body: '{}' }));
  const story = await start(t, [queue], { SQS: sqs }, { ...NO_KEYS, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint.url}/` });
  await story.call(answer);
  const task = await story.outcome('send');
  assert.deepEqual([task.state, task.attempts], ['done', 1]);
  assert.equal(sqs.requests.length, 2);
  assert.match(sqs.requests[1].fields.authorization, new RegExp(`Credential=${KEYS.accessKeyId}/`));
});

test('credentials are renewed before they expire', async (t) => {
  const old = { accessKeyId: 'OLD', secretAccessKey: 'old', sessionToken: 'old' };
  const endpoint = await AwsPeer.start(t, null, [container(old, -1000), container(KEYS)]);
  const sqs = await AwsPeer.start(t, null, { status: 200, body: '{}' });
  const story = await start(t, [queue], { SQS: sqs }, { ...NO_KEYS, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint.url}/` });
  await story.call(answer);
  await story.receipt();
  await story.call(answer);
  assert.equal((await story.outcome('send', 2)).state, 'done');
  assert.equal(endpoint.requests.length, 2);
  assert.match(sqs.requests.at(-1).fields.authorization, new RegExp(`Credential=${KEYS.accessKeyId}/`));
});

test('expired credentials of the environment end failed, when the attempts are used up', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', failure('ExpiredTokenException', 403));
  const story = await start(t, [queue], { SQS: sqs });
  await story.call(answer);
  const task = await story.outcome('send');
  assert.deepEqual([task.state, task.attempts], ['failed', 3]);
  assert.equal(task.why, 'sqs SendMessage: 403 ExpiredTokenException');
  assert.equal(sqs.requests.length, 3);
});

test('without any credentials the task fails at once and says what is unset', async (t) => {
  const sqs = await AwsPeer.start(t, 'sqs', { status: 200, body: '{}' });
  const story = await start(t, [queue], { SQS: sqs }, NO_KEYS);
  await story.call(answer);
  const task = await story.outcome('send');
  assert.deepEqual([task.state, task.attempts], ['failed', 1]);
  assert.equal(task.why, 'no AWS credentials: AWS_ACCESS_KEY_ID and AWS_CONTAINER_CREDENTIALS_FULL_URI are both unset');
  assert.equal(sqs.requests.length, 0);
});
