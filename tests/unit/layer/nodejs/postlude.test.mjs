// The Node.js helper against a scripted local API.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import * as esm from '../../../../layer/nodejs/node_modules/postlude/index.mjs';
import { ScriptedApi } from './scripted_api.mjs';

const folder = new URL('../../../../layer/nodejs/node_modules/postlude/', import.meta.url);
const postlude = createRequire(import.meta.url)(folder.pathname);
const { PostludeError, after, defer, handler, remainingMs, respond, stream } = postlude;
const RESPONSE = 'POST /postlude/v1/invocations/request-1/response';
const PRELUDE = 'application/vnd.awslambda.http-integration-response';

let api;
let logged;

const context = (awsRequestId = 'request-1') => ({ awsRequestId, getRemainingTimeInMillis: () => 4321 });
const run = (body, id) => handler(async () => body())({}, context(id));
const lines = (level) => logged.filter((line) => line.level === level).map((line) => line.text);

beforeEach(async () => {
  api = await ScriptedApi.start();
  process.env.POSTLUDE_API = api.url;
  process.env.http_proxy = 'http://127.0.0.1:9';
  logged = [];
  for (const level of ['warn', 'error']) {
    mock.method(console, level, (...parts) => logged.push({ level, text: parts.map((part) => part?.stack ?? part).join(' ') }));
  }
});

afterEach(async () => {
  mock.restoreAll();
  await api.close();
});

test('the module is one for require and import, its code below 250 lines, every export declared', () => {
  const read = (name) => readFileSync(new URL(name, folder), 'utf8');
  const declared = [...read('index.d.ts').matchAll(/^export (?:function|class) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual([...new Set(declared)].sort(), Object.keys(postlude).sort());
  assert.deepEqual(Object.keys(esm).sort(), [...Object.keys(postlude), 'default'].sort());
  assert.equal(esm.after, after);
  assert.equal(esm.default, postlude);
  assert.ok(read('index.js').split('\n').length <= 250);
  const { exports } = JSON.parse(read('package.json'));
  assert.deepEqual(Object.values(exports['.']).map((path) => read(path).length > 0), [true, true, true]);
});

test('without work nothing is called and the value is the same', async () => {
  const value = { a: 1 };
  assert.equal(await run(() => value), value);
  assert.deepEqual(api.requests, []);
});

test('a handler that is not async stays so', () => {
  assert.equal(handler((event) => event + 1)(1, context()), 2);
  assert.throws(() => handler(() => { throw new RangeError('x'); })({}, context()), RangeError);
});

test('handlers with a callback and streaming handlers are left alone', () => {
  const callback = (event, context, done) => done(null, event);
  const streaming = Object.assign(async () => {}, { [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'response' });
  assert.equal(handler(callback), callback);
  assert.equal(handler(streaming), streaming);
});

test('this and all arguments reach the handler', async () => {
  const owner = { handler: handler(async function (...all) { return [this, ...all]; }) };
  const given = [1, context(), 3];
  assert.deepEqual(await owner.handler(...given), [owner, ...given]);
});

test('verbs outside a wrapped handler say how to wrap', async () => {
  for (const verb of [() => after(() => {}), () => respond(1), () => stream(), () => defer('x'), remainingMs]) {
    assert.throws(verb, { name: 'PostludeError', message: /postlude\.handler\(async/ });
  }
  let late;
  await run(() => { late = new Promise((resolve) => setImmediate(resolve)).then(() => after(() => {})); });
  await assert.rejects(late, PostludeError);
});

test('remainingMs is that of the context', async () => {
  assert.equal(await run(remainingMs), 4321);
});

test('the answer goes first, then the work in order, then the value', async () => {
  const value = await run(() => {
    after(async (...args) => { await null; api.events.push(args); }, 1, 2);
    after(() => api.events.push('two'));
    api.events.push('returning');
    return { ok: true, gone: undefined };
  });
  assert.deepEqual(value, { ok: true, gone: undefined });
  assert.deepEqual(api.events, ['returning', RESPONSE, [1, 2], 'two']);
  const [{ headers, body }] = api.requests;
  assert.equal(body.toString(), '{"ok":true}');
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['content-length'], '11');
  assert.equal(headers['lambda-runtime-function-response-mode'], undefined);
});

test('undefined is answered as null, as the runtime does', async () => {
  assert.equal(await run(() => after(() => {})), undefined);
  assert.equal(api.requests[0].body.toString(), 'null');
});

test('work may add work and use the verbs', async () => {
  await run(() => after(() => { after(() => api.events.push('second')); api.events.push(remainingMs()); }));
  assert.deepEqual(api.events, [RESPONSE, 4321, 'second']);
});

test('an error of work is logged and the next one runs', async () => {
  await run(() => {
    after(async function sendMail() { throw new Error('no mail'); });
    after(() => { throw new Error('sync'); });
    after(Promise.reject(new Error('promised')));
    after(() => api.events.push('next'));
  });
  assert.deepEqual(api.events, [RESPONSE, 'next']);
  assert.equal(lines('error').length, 3);
  assert.match(lines('error')[0], /request-1: after\(sendMail\) failed: Error: no mail\n +at /);
  assert.match(lines('error')[2], /after\(promise\) failed: Error: promised/);
});

test('promises are awaited in the after phase, also those of frameworks', async () => {
  const steps = [];
  let open;
  const gate = new Promise((resolve) => { open = resolve; });
  api.script.response = { before: () => { steps.push('answered'); open(); } };
  await run(() => {
    after(gate.then(() => steps.push('after')));
    for (const name of ['@vercel/request-context', '@next/request-context']) {
      globalThis[Symbol.for(name)].get().waitUntil(gate.then(() => steps.push(name)));
    }
  });
  assert.deepEqual(steps, ['answered', 'after', '@vercel/request-context', '@next/request-context']);
  assert.equal(globalThis[Symbol.for('@vercel/request-context')].get(), undefined);
});

test('an exception drops the work with one warning and is unchanged', async () => {
  const error = new Error('boom');
  await assert.rejects(run(() => {
    after(() => api.events.push('never'));
    after(() => api.events.push('never'));
    throw error;
  }), (caught) => caught === error);
  assert.deepEqual(api.events, []);
  assert.equal(logged.length, 1);
  assert.match(lines('warn')[0], /request-1.*dropped.*boom/);
});

test('a value that cannot be encoded is left to the runtime', async () => {
  for (const value of [{ big: 1n }, () => {}]) {
    assert.equal(await run(() => { after(() => api.events.push('never')); return value; }), value);
  }
  assert.deepEqual(api.events, []);
  assert.equal(lines('warn').length, 2);
});

test('work of a handler that is not async runs without an early answer and says so', async () => {
  const done = new Promise((resolve) => {
    assert.equal(handler(() => { after(resolve); })({}, context()), undefined);
  });
  await done;
  assert.deepEqual(api.requests, []);
  assert.match(lines('warn')[0], /not async/);
});

test('after takes a function or a promise', async () => {
  await assert.rejects(run(() => after('x')), TypeError);
});

test('if the early answer fails the work runs and the runtime answers', async () => {
  const fallBack = async (warnings) => {
    logged = [];
    assert.equal(await run(() => { after(() => api.events.push('work')); return 'value'; }), 'value');
    assert.equal(api.events.pop(), 'work');
    assert.equal(lines('warn').length, warnings);
  };
  api.script.response = { status: 503, body: { error: { type: 'Unavailable', message: 'later' } } };
  await fallBack(1);
  assert.match(lines('warn')[0], /later/);
  api.script.response = { status: 'hang up' };
  await fallBack(1);
  api.script.response = { status: 409, body: { error: { type: 'AlreadyAnswered', message: 'it is' } } };
  await fallBack(0);
  process.env.POSTLUDE_API = 'http://127.0.0.1:1/postlude/v1';
  await fallBack(1);
});

test('respond answers while the handler goes on', async () => {
  const value = await run(async () => {
    after(() => api.events.push('work'));
    await respond({ statusCode: 202 });
    api.events.push('working');
    return 'discarded';
  });
  assert.equal(value, 'discarded');
  assert.deepEqual(api.events, [RESPONSE, 'working', 'work']);
  assert.equal(api.requests[0].body.toString(), '{"statusCode":202}');
});

test('respond that nobody awaits is awaited before the handler returns', async () => {
  await run(() => { respond(1); });
  assert.deepEqual(api.events, [RESPONSE]);
  api.script.response = { status: 503, body: { error: { type: 'Unavailable', message: 'later' } } };
  assert.equal(await run(() => { respond(1); return 2; }), 2);
  assert.match(lines('warn')[0], /later/);
});

test('text and bytes under a content type go as they are', async () => {
  for (const [value, sent] of [['\u00e9', Buffer.from('\u00e9')], [new Uint8Array([0, 255]), Buffer.from([0, 255])], ['', Buffer.alloc(0)]]) {
    await run(() => respond(value, { contentType: 'text/plain' }));
    assert.deepEqual(api.requests.at(-1).body, sent);
    assert.equal(api.requests.at(-1).headers['content-type'], 'text/plain');
  }
});

test('a second answer rejects with what the API said', async () => {
  await run(async () => {
    await respond(1);
    api.script.response = { status: 409, body: { error: { type: 'AlreadyAnswered', message: 'it has its answer' } } };
    await assert.rejects(respond(2), { status: 409, type: 'AlreadyAnswered', message: /it has its answer/ });
  });
  assert.equal(api.requests.length, 2);
});

test('work still runs when the handler throws after its answer', async () => {
  await assert.rejects(run(async () => {
    after(() => api.events.push('work'));
    await respond(1);
    throw new Error('late');
  }), /late/);
  assert.deepEqual(api.events, [RESPONSE, 'work']);
});

test('request ids are quoted', async () => {
  await run(() => respond(1), 'a/b c');
  assert.equal(api.requests[0].url, '/postlude/v1/invocations/a%2Fb%20c/response');
});

test('pieces of a stream arrive while the handler goes on', async () => {
  await run(async () => {
    const out = stream({ statusCode: 201, headers: { 'x-a': 'b' }, cookies: ['c=d'] });
    const prelude = await api.nextPiece();
    assert.deepEqual(prelude.subarray(-8), Buffer.alloc(8));
    assert.deepEqual(JSON.parse(prelude.subarray(0, -8)), { statusCode: 201, headers: { 'x-a': 'b' }, cookies: ['c=d'] });
    for (const piece of ['\u00e9', Buffer.from('two')]) {
      out.write(piece);
      assert.deepEqual(await api.nextPiece(), Buffer.from(piece));
    }
    assert.deepEqual(api.requests, []);
    out.end();
    await out.done;
    assert.equal(api.requests.length, 1);
    after(() => api.events.push('work'));
  });
  const [{ method, url, headers, trailers }] = api.requests;
  assert.equal(`${method} ${url}`, RESPONSE);
  assert.equal(headers['content-type'], PRELUDE);
  assert.equal(headers['lambda-runtime-function-response-mode'], 'streaming');
  assert.equal(headers['transfer-encoding'], 'chunked');
  assert.equal(headers['content-length'], undefined);
  assert.deepEqual({ ...trailers }, {});
  assert.deepEqual(api.events, [RESPONSE, 'work']);
  assert.deepEqual(logged, []);
});

test('without a status the body goes under its content type', async () => {
  for (const [options, type] of [[undefined, 'application/octet-stream'], [{ contentType: 'text/event-stream' }, 'text/event-stream']]) {
    await run(() => { stream(options).end('x'); });
    assert.equal(api.requests.at(-1).headers['content-type'], type);
    assert.equal(api.requests.at(-1).body.toString(), 'x');
  }
  await run(() => { stream({ statusCode: 200, contentType: 'text/html' }).end(); });
  assert.deepEqual(JSON.parse(api.requests.at(-1).body.subarray(0, -8)).headers, { 'content-type': 'text/html' });
});

test('what the handler throws breaks an open stream off with the error trailers', async () => {
  await assert.rejects(run(async () => {
    after(() => api.events.push('never'));
    stream().write('half');
    throw Object.assign(new RangeError('lost \u00e9\r\n'), { name: 'L\u00f6st' });
  }), RangeError);
  const [{ rawHeaders, trailers, body }] = api.requests;
  assert.equal(body.toString(), 'half');
  assert.deepEqual(rawHeaders.filter((value, index) => rawHeaders[index - 1] === 'Trailer'),
    ['Lambda-Runtime-Function-Error-Type', 'Lambda-Runtime-Function-Error-Body']);
  assert.equal(trailers['lambda-runtime-function-error-type'], 'L?st');
  const error = JSON.parse(Buffer.from(trailers['lambda-runtime-function-error-body'], 'base64'));
  assert.equal(error.errorType, 'L\u00f6st');
  assert.equal(error.errorMessage, 'lost \u00e9\r\n');
  assert.deepEqual(api.events, [RESPONSE]);
});

test('a pipeline whose source fails breaks the stream off, and work runs if the error was caught', async () => {
  await run(async () => {
    after(() => api.events.push('work'));
    const source = Readable.from((async function* pieces() { yield 'half'; throw new Error('source'); })());
    const out = stream();
    await assert.rejects(pipeline(source, out), /source/);
    await assert.rejects(out.done, /source/);
  });
  assert.equal(api.requests[0].trailers['lambda-runtime-function-error-type'], 'Error');
  assert.deepEqual(api.events, [RESPONSE, 'work']);
});

test('a stream left open is ended before the work', async () => {
  await run(() => { stream().write('x'); after(() => api.events.push('work')); });
  assert.deepEqual(api.events, [RESPONSE, 'work']);
  assert.equal(api.requests[0].body.toString(), 'x');
});

test('nothing else answers while a stream is open, and nothing is written when it ended', async () => {
  await run(async () => {
    const out = stream();
    await assert.rejects(respond(1), /open stream/);
    out.end();
    await out.done;
    assert.ok(await new Promise((resolve) => { out.write('x', resolve); }));
  });
  assert.equal(api.requests.length, 1);
});

test('a refused stream rejects with what the API said', async () => {
  api.script.response = { status: 409, body: { error: { type: 'AlreadyAnswered', message: 'too late' } } };
  await run(async () => {
    const out = stream();
    out.end('x');
    await assert.rejects(out.done, { status: 409, type: 'AlreadyAnswered', message: /too late/ });
  });
});

test('defer hands a task over by name or inline and gives its id', async () => {
  api.script.tasks = { body: { id: 'request-1/mail/1' } };
  assert.equal(await run(() => defer('mail', { to: 'a' })), 'request-1/mail/1');
  await run(() => defer({ command: ['bin/report'] }, 5));
  await run(() => { defer('mail'); });
  assert.deepEqual(api.requests.map(({ body }) => JSON.parse(body)),
    [{ task: 'mail', payload: { to: 'a' } }, { command: ['bin/report'], payload: 5 }, { task: 'mail', payload: null }]
      .map(({ payload, ...rest }) => ({ payload, ...rest })));
  assert.equal(api.events[0], 'POST /postlude/v1/invocations/request-1/tasks');
  assert.equal(api.requests[0].headers['content-type'], 'application/json');
});

test('a refused task carries the type and message of the API', async () => {
  api.script.tasks = { status: 404, body: { error: { type: 'UnknownTask', message: 'no task mails' } } };
  await assert.rejects(run(() => defer('mails')), { status: 404, type: 'UnknownTask', message: /no task mails/ });
});

test('two invocations at once are not mixed up', async () => {
  api.script.tasks = { body: { id: 'x' } };
  let open;
  const both = new Promise((resolve) => { open = resolve; });
  const invoke = (id) => run(async () => {
    id === 'two' && open();
    await both;
    after(() => defer(id));
    return id;
  }, id);
  await Promise.all([invoke('one'), invoke('two')]);
  const seen = api.requests.map(({ url, body }) => `${url.split('/').slice(4).join('/')} ${body}`).sort();
  assert.deepEqual(seen, ['one/response "one"', 'one/tasks {"payload":null,"task":"one"}',
    'two/response "two"', 'two/tasks {"payload":null,"task":"two"}']);
});

test('outside the layer work runs before the return, with one warning', async () => {
  delete process.env.POSTLUDE_API;
  for (const event of [1, 2]) {
    assert.equal(await run(() => { after(() => api.events.push(event)); return event; }), event);
  }
  assert.deepEqual(api.events, [1, 2]);
  assert.equal(logged.length, 1);
  assert.match(lines('warn')[0], /POSTLUDE_API/);
});

test('outside the layer the other verbs fail and name it', async () => {
  delete process.env.POSTLUDE_API;
  for (const verb of [() => respond(1), () => stream(), () => defer('x')]) {
    await assert.rejects(run(verb), { name: 'PostludeError', message: /POSTLUDE_API/ });
  }
});
