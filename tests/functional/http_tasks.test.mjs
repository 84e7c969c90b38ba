// HTTP tasks: what the peer is sent, and over which connections.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HttpPeer } from './http_peer.mjs';
import { certificate, startFunction } from './task_story.mjs';

const answer = (body = 'answered', more = {}) => JSON.stringify({ statusCode: 200, body, ...more });
const post = (name, http, more = {}) => ({ name, http, ...more });

test('JSON with templates of every source keeps the types of values', async (t) => {
  const peer = await HttpPeer.start(t);
  const story = await startFunction(
    t,
    [
      post('tell', {
        url: peer.url('127.0.0.1', '/hooks/${request.query.room}?mark=${request.headers.x-mark}'),
        headers: { 'X-Order': 'no. ${request.body.answered.order}', Authorization: 'Bearer ${env.TOKEN}' },
        json: {
          path: '${request.path}',
          order: '${request.body.answered.order}',
          lines: '${request.body.answered.lines}',
          text: 'lines ${request.body.answered.lines}, paid: ${request.body.answered.paid}',
          status: '${response.statusCode}',
          answer: '${response.body.order}',
          kind: "${response.headers['content-type']}",
          id: '${context.id}',
          function: '${context.functionName}',
          attempt: '${context.attempt}',
          absent: '${request.body.nothing:-none}',
          literal: '$${request.path}',
        },
      }),
    ],
    { env: { TOKEN: 'secret-token' } },
  );
  const lines = [{ sku: 'ä"1"', count: 2 }, null, 1.5];
  const body = JSON.stringify({ order: 17 });
  const wish = {
    statusCode: 201, body, headers: { 'Content-Type': 'application/json' },
    answered: { order: 17, lines, paid: true },
  };
  const answered = await story.call(JSON.stringify(wish), {
    at: '/orders?room=a%20b%2Fc',
    headers: { 'X-Mark': 'm&n=o', 'Content-Type': 'application/json' },
  });
  assert.equal(answered.status, 201);
  assert.equal(answered.text, body);
  const sent = await peer.request();
  const receipt = await story.receipt();
  assert.equal(sent.method, 'POST');
  assert.equal(sent.url, '/hooks/a%20b%2Fc?mark=m%26n%3Do');
  assert.equal(sent.headers.host, `127.0.0.1:${peer.port}`);
  assert.equal(sent.headers['x-order'], 'no. 17');
  assert.equal(sent.headers.authorization, 'Bearer secret-token');
  assert.equal(sent.headers['content-type'], 'application/json');
  assert.equal(sent.headers['idempotency-key'], receipt.tasks[0].id);
  assert.equal(sent.headers['x-amzn-trace-id'], undefined);
  assert.deepEqual(JSON.parse(sent.body), {
    path: '/orders',
    order: 17,
    lines,
    text: `lines ${JSON.stringify(lines)}, paid: true`,
    status: 201,
    answer: 17,
    kind: 'application/json',
    id: `${receipt.requestId}/tell/1`,
    function: 'function',
    attempt: 1,
    absent: 'none',
    literal: '${request.path}',
  });
  const { state, attempts } = receipt.tasks[0];
  assert.deepEqual({ state, attempts }, { state: 'done', attempts: 1 });
  assert.ok(!story.lambda.log.some((line) => line.includes('secret-token')));
});

test('a body is text, with the content type that it is given, and a call without one is empty', async (t) => {
  const peer = await HttpPeer.start(t);
  const story = await startFunction(
    t,
    [
      post('form', {
        method: 'PUT',
        url: peer.url(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'text=${response.body}&who=${request.body.who}',
      }),
      post('empty', { method: 'GET', url: peer.url('127.0.0.1', '/empty') }),
      post('plain', { url: peer.url('127.0.0.1', '/plain'), body: 'größe' }),
    ],
    { env: { POSTLUDE_CONCURRENCY: '1' } },
  );
  await story.call(answer('done', { who: 'me' }), { headers: { 'Content-Type': 'application/json' } });
  const form = await peer.request(1);
  assert.equal(form.method, 'PUT');
  assert.equal(form.body, 'text=done&who=me');
  assert.equal(form.headers['content-type'], 'application/x-www-form-urlencoded');
  const empty = await peer.request(2);
  assert.equal(empty.method, 'GET');
  assert.equal(empty.body, '');
  assert.equal(empty.headers['content-length'], undefined);
  const plain = await peer.request(3);
  assert.equal(plain.body, 'größe');
  assert.equal(plain.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(plain.headers['content-length'], String(Buffer.byteLength('größe')));
});

test('HTTPS with a private authority; all attempts have the same Idempotency-Key', async (t) => {
  const tls = certificate(t);
  const peer = await HttpPeer.start(t, [{ status: 503 }, { status: 500 }, { status: 204 }], tls);
  const story = await startFunction(
    t,
    [post('tell', { url: peer.url('localhost'), json: '${context.attempt}' }, { backoff: '5ms' })],
    { env: { SSL_CERT_FILE: tls.ca } },
  );
  await story.call(answer());
  const task = await story.outcome('tell');
  assert.equal(task.state, 'done');
  assert.equal(task.attempts, 3);
  assert.deepEqual(peer.requests.map((request) => request.body), ['1', '2', '3']);
  assert.deepEqual(peer.requests.map((request) => request.headers['idempotency-key']), [task.id, task.id, task.id]);
  assert.equal(peer.requests[0].headers.host, `localhost:${peer.port}`);
  assert.equal(peer.connections, 1, 'attempts of one invocation share a connection');
});

for (const scheme of ['http', 'https']) {
  test(`${scheme}: connections are kept within an invocation, never across two`, async (t) => {
    const tls = scheme === 'https' ? certificate(t) : null;
    const peer = await HttpPeer.start(t, [{ status: 200 }], tls);
    const url = peer.url('localhost');
    const story = await startFunction(
      t,
      ['one', 'two', 'three'].map((name) => post(name, { url })),
      { env: { POSTLUDE_CONCURRENCY: '1', ...(tls && { SSL_CERT_FILE: tls.ca }) } },
    );
    for (const nth of [1, 2]) {
      await story.call(answer());
      const receipt = await story.receipt(nth);
      assert.deepEqual(receipt.tasks.map((task) => task.state), ['done', 'done', 'done']);
      assert.equal(peer.connections, nth);
      await peer.closed(); // while the environment is frozen
    }
    assert.equal(peer.requests.length, 6);
  });

  test(`${scheme}: a kept connection that ends before a byte of the answer costs no attempt`, async (t) => {
    const tls = scheme === 'https' ? certificate(t) : null;
    const hangUp = (request) => request.socket.destroy();
    const peer = await HttpPeer.start(t, [{ status: 200 }, hangUp, { status: 200 }], tls);
    const url = peer.url('localhost');
    const story = await startFunction(
      t,
      [post('first', { url }), post('second', { url }, { attempts: 1 })],
      { env: { POSTLUDE_CONCURRENCY: '1', ...(tls && { SSL_CERT_FILE: tls.ca }) } },
    );
    await story.call(answer());
    const receipt = await story.receipt();
    assert.deepEqual(receipt.tasks.map(({ state, attempts }) => ({ state, attempts })), [
      { state: 'done', attempts: 1 },
      { state: 'done', attempts: 1 },
    ]);
    assert.equal(peer.requests.length, 3);
    assert.equal(peer.connections, 2);
    const keys = peer.requests.map((request) => request.headers['idempotency-key']);
    assert.deepEqual(keys, [receipt.tasks[0].id, receipt.tasks[1].id, receipt.tasks[1].id]);
  });
}

test('a fresh connection that ends without an answer is a failed attempt', async (t) => {
  const peer = await HttpPeer.start(t, [(request) => request.socket.destroy(), { status: 200 }]);
  const story = await startFunction(t, [post('tell', { url: peer.url() }, { attempts: 1 })]);
  await story.call(answer());
  const task = await story.outcome('tell');
  assert.equal(task.state, 'failed');
  assert.equal(task.why, `127.0.0.1:${peer.port} closed the connection without an answer`);
  assert.equal(peer.requests.length, 1);
});

test('redirects are not followed, and nothing of their answer is run', async (t) => {
  const other = await HttpPeer.start(t);
  const peer = await HttpPeer.start(t, [{ status: 302, headers: { Location: other.url() } }]);
  const story = await startFunction(t, [post('tell', { url: peer.url() })]);
  await story.call(answer());
  const task = await story.outcome('tell');
  assert.equal(task.state, 'failed');
  assert.equal(task.why, `HTTP 302 from 127.0.0.1:${peer.port}`);
  assert.equal(other.connections, 0);
});

const raw = (...pieces) => (request) => pieces.forEach((piece) => request.socket.write(piece));
const interim = {
  'that goes on with 100': 'HTTP/1.1 100 Continue\r\n\r\n',
  'that hints with 103': 'HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n',
  'that is at work, with 102 twice': 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n',
};

for (const [name, before] of Object.entries(interim)) {
  test(`what counts is the last head of a server ${name}`, async (t) => {
    const peer = await HttpPeer.start(t, [
      raw(before, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
      raw(`${before}HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n`),
    ]);
    const story = await startFunction(
      t,
      [post('first', { url: peer.url() }), post('second', { url: peer.url() })],
      { env: { POSTLUDE_CONCURRENCY: '1' } },
    );
    await story.call(answer());
    const receipt = await story.receipt();
    assert.deepEqual(receipt.tasks.map(({ state, why }) => [state, why]), [
      ['done', undefined],
      ['failed', `HTTP 404 from 127.0.0.1:${peer.port}`],
    ]);
    assert.equal(peer.requests.length, 2);
  });
}

const bodiless = {
  'HEAD with a length': ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'],
  'HEAD with chunks': ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  '204': ['POST', 'HTTP/1.1 204 No Content\r\n\r\n'],
  '205 with a length of 0': ['POST', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n'],
};

for (const [name, [method, head]] of Object.entries(bodiless)) {
  test(`an answer without a body ends with its head: ${name}`, async (t) => {
    const peer = await HttpPeer.start(t, [raw(head)]);
    const http = { method, url: peer.url() };
    const story = await startFunction(
      t,
      [post('first', http, { timeout: '3s' }), post('second', http, { timeout: '3s' })],
      { env: { POSTLUDE_CONCURRENCY: '1' } },
    );
    await story.call(answer());
    const receipt = await story.receipt();
    assert.deepEqual(receipt.tasks.map(({ state, attempts, why }) => [state, attempts, why]), [
      ['done', 1, undefined],
      ['done', 1, undefined],
    ]);
    assert.equal(peer.connections, 1);
  });
}

test('an answer of HTTP/1.0 without a length ends with its connection', async (t) => {
  const peer = await HttpPeer.start(t, [(request) => request.socket.end('HTTP/1.0 200 OK\r\n\r\nsome text')]);
  const story = await startFunction(
    t,
    [post('first', { url: peer.url() }), post('second', { url: peer.url() })],
    { env: { POSTLUDE_CONCURRENCY: '1' } },
  );
  await story.call(answer());
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(({ state, attempts }) => [state, attempts]), [['done', 1], ['done', 1]]);
  assert.equal(peer.connections, 2);
});
