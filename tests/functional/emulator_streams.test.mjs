// InvokeWithResponseStream of the emulator, called by AWS's own SDK; the runtime is played here.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { LocalLambda } from '../demo/local_lambda.mjs';

const require = createRequire(path.join(process.env.POSTLUDE_TEST_TOOLS, 'x.js'));
const { InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient } = require('@aws-sdk/client-lambda');

// One call of the Runtime API: the answer's head at once, its text when it is there.
async function call(api, method, target, { headers = {}, body = '' } = {}) {
  const request = http.request(`http://${api}/2018-06-01/runtime${target}`, { method, headers, agent: false });
  const answer = new Promise((resolve, reject) => request.once('response', resolve).once('error', reject));
  request.end(body);
  const response = await answer;
  let text = '';
  for await (const piece of response) {
    text += piece;
  }
  return { status: response.statusCode, headers: response.headers, text };
}

// The streaming answer to an invocation, open for writing.
function openStream(api, id, { trailers = false } = {}) {
  const headers = { 'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Content-Type': 'application/octet-stream' };
  if (trailers) {
    headers.Trailer = 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body';
  }
  const request = http.request(`http://${api}/2018-06-01/runtime/invocation/${id}/response`, { method: 'POST', headers, agent: false });
  request.on('error', () => {}); // cut on purpose in one test
  const status = new Promise((resolve) => request.once('response', (response) => resolve(response.resume().statusCode)));
  return { request, status };
}

async function start(t, options = []) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'emulator-story-'));
  const lambda = new LocalLambda(folder, {}, ['--admission-wait', '30s', ...options], "sh -c 'exec sleep 1000'");
  t.after(async () => {
    await lambda.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const { invoke } = await lambda.event('listening');
  const client = new LambdaClient({
    endpoint: invoke, region: 'us-east-1', credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' }, maxAttempts: 1,
  });
  t.after(() => client.destroy());
  const { api } = await lambda.event('initStart');
  return { lambda, client, api, next: () => call(api, 'GET', '/invocation/next') };
}

const ask = (more = {}) => new InvokeWithResponseStreamCommand({ FunctionName: 'function', Payload: '{"x":1}', ...more });
const idOf = (event) => event.headers['lambda-runtime-aws-request-id'];

// The next message of a stream, or undefined at its end.
async function take(stream) {
  const { value } = await stream.next();
  return value;
}

const textOf = (message) => Buffer.from(message.PayloadChunk.Payload).toString();

test('bytes reach the caller as the function writes them, and the end says nothing of an error', async (t) => {
  const { client, api, next } = await start(t);
  const polled = next();
  const calling = client.send(ask());
  const event = await polled;
  assert.equal(event.text, '{"x":1}');
  const stream = openStream(api, idOf(event));
  stream.request.write('first');
  const answer = await calling;
  assert.equal(answer.StatusCode, 200);
  assert.equal(answer.ExecutedVersion, '$LATEST');
  const messages = answer.EventStream[Symbol.asyncIterator]();
  assert.equal(textOf(await take(messages)), 'first'); // the function has not written more yet
  stream.request.write('second');
  assert.equal(textOf(await take(messages)), 'second');
  stream.request.end();
  assert.equal(await stream.status, 202);
  const { InvokeComplete } = await take(messages);
  assert.equal(InvokeComplete.ErrorCode, undefined);
  assert.equal(InvokeComplete.LogResult, undefined);
  assert.equal(await take(messages), undefined);
});

test('a stream of many megabytes arrives whole', async (t) => {
  const { client, api, next } = await start(t);
  const polled = next();
  const calling = client.send(ask());
  const stream = openStream(api, idOf(await polled));
  const block = Buffer.alloc(1 << 20, 'abcdefgh');
  const blocks = 16;
  for (let i = 0; i < blocks; ++i) {
    stream.request.write(block);
  }
  stream.request.end();
  let size = 0;
  let ended = 0;
  for await (const message of (await calling).EventStream) {
    size += message.PayloadChunk?.Payload.length ?? 0;
    ended += message.InvokeComplete ? 1 : 0;
  }
  assert.equal(size, blocks * block.length);
  assert.equal(ended, 1);
  assert.equal(await stream.status, 202);
});

test('an error behind the stream and one before it are told at the end', async (t) => {
  const { client, api, next } = await start(t);
  const body = '{"errorMessage":"boom","errorType":"Broken"}';
  let polled = next();
  let calling = client.send(ask());
  const stream = openStream(api, idOf(await polled), { trailers: true });
  stream.request.write('hello');
  stream.request.addTrailers({
    'Lambda-Runtime-Function-Error-Type': 'Function.Broken',
    'Lambda-Runtime-Function-Error-Body': Buffer.from(body).toString('base64'),
  });
  stream.request.end();
  let messages = (await calling).EventStream[Symbol.asyncIterator]();
  assert.equal(textOf(await take(messages)), 'hello');
  const behind = (await take(messages)).InvokeComplete;
  assert.deepEqual([behind.ErrorCode, behind.ErrorDetails], ['Function.Broken', body]);
  polled = next();
  calling = client.send(ask());
  const posted = await call(api, 'POST', `/invocation/${idOf(await polled)}/error`,
    { headers: { 'Lambda-Runtime-Function-Error-Type': 'Function.Early' }, body });
  assert.equal(posted.status, 202);
  const answer = await calling;
  assert.equal(answer.StatusCode, 200);
  messages = answer.EventStream[Symbol.asyncIterator]();
  const before = (await take(messages)).InvokeComplete;
  assert.deepEqual([before.ErrorCode, before.ErrorDetails], ['Function.Early', body]);
});

test('a stream that is cut, and one that takes too long, end with what happened', async (t) => {
  const { client, api, next } = await start(t, ['--timeout', '2s']);
  let polled = next();
  let calling = client.send(ask());
  const cut = openStream(api, idOf(await polled));
  cut.request.write('half');
  let messages = (await calling).EventStream[Symbol.asyncIterator]();
  assert.equal(textOf(await take(messages)), 'half');
  cut.request.destroy();
  assert.equal((await take(messages)).InvokeComplete.ErrorCode, 'Runtime.TruncatedResponse');
  polled = next();
  calling = client.send(ask());
  const slow = openStream(api, idOf(await polled));
  slow.request.write('slow');
  messages = (await calling).EventStream[Symbol.asyncIterator]();
  assert.equal(textOf(await take(messages)), 'slow');
  const late = (await take(messages)).InvokeComplete;
  assert.equal(late.ErrorCode, 'Sandbox.Timedout');
  assert.match(late.ErrorDetails, /Task timed out after 2\.00 seconds/);
});

test('a buffered result comes as a stream, with the log at its end for who asks', async (t) => {
  const { client, api, next } = await start(t);
  const polled = next();
  const calling = client.send(ask({ LogType: 'Tail' }));
  const id = idOf(await polled);
  assert.equal((await call(api, 'POST', `/invocation/${id}/response`, { body: '{"ok":true}' })).status, 202);
  const parked = next();
  const messages = (await calling).EventStream[Symbol.asyncIterator]();
  assert.equal(textOf(await take(messages)), '{"ok":true}');
  const log = Buffer.from((await take(messages)).InvokeComplete.LogResult, 'base64').toString();
  assert.match(log, new RegExp(`^START RequestId: ${id} `));
  assert.match(log, new RegExp(`REPORT RequestId: ${id}\\tDuration: `));
  parked.catch(() => {}); // ends with the emulator
});

test('a caller that leaves does not interrupt the function', async (t) => {
  const { lambda, client, api, next } = await start(t);
  const polled = next();
  const leaving = new AbortController();
  const calling = client.send(ask(), { abortSignal: leaving.signal });
  const id = idOf(await polled);
  const stream = openStream(api, id);
  stream.request.write('first');
  const answer = await calling;
  assert.equal(textOf(await take(answer.EventStream[Symbol.asyncIterator]())), 'first');
  client.destroy(); // its connections with it
  leaving.abort();
  const block = Buffer.alloc(1 << 20, 'x');
  for (let i = 0; i < 8; ++i) {
    stream.request.write(block);
  }
  stream.request.end();
  assert.equal(await stream.status, 202);
  assert.equal((await lambda.event('responseEnd')).how, 'ok');
});

test('a stream is tried, not queued, and refused calls are the service\'s own errors', async (t) => {
  const { lambda, client } = await start(t);
  const tried = await client.send(ask({ InvocationType: 'DryRun' }));
  assert.equal(tried.StatusCode, 204);
  await assert.rejects(client.send(ask({ InvocationType: 'Event' })), { name: 'InvalidParameterValueException' });
  await assert.rejects(client.send(ask({ FunctionName: 'other' })), { name: 'ResourceNotFoundException' });
  const queued = await client.send(new InvokeCommand({ FunctionName: 'function', InvocationType: 'Event' }));
  assert.equal(queued.StatusCode, 202);
  await lambda.event('eventQueued');
});
