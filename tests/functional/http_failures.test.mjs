// HTTP tasks whose peer fails: each ends in the right accounting word, within its time.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test from 'node:test';
import { HttpPeer } from './http_peer.mjs';
import { NameServer } from './name_server.mjs';
import { certificate, sanitized, startFunction, withoutMounts } from './task_story.mjs';

const QUICK_MS = sanitized ? 5000 : 900; // for what is to happen at once, on a busy machine
const ANSWER = JSON.stringify({ statusCode: 200, body: 'answered' });
const silent = () => {};

// One call of a function with one task: what became of it, and how long the environment was kept for it.
async function tell(t, http, more = {}, options = {}) {
  const story = await startFunction(t, [{ name: 'tell', backoff: '5ms', http, ...more }], options);
  const answered = await story.call(ANSWER);
  assert.equal(answered.text, 'answered');
  const receipt = await story.receipt();
  const { state, attempts, why } = receipt.tasks[0];
  return { state, attempts, why, heldMs: receipt.heldMs, story };
}

function assertEnd(end, { state, attempts, why }) {
  assert.deepEqual({ state: end.state, attempts: end.attempts }, { state, attempts }, end.why);
  assert.match(end.why ?? '', why);
}

function assertBetween(value, least, most) {
  assert.ok(value >= least && value < most, `${value} is not from ${least} to ${most}`);
}

test('503, then 200: done at the second attempt', async (t) => {
  const peer = await HttpPeer.start(t, [{ status: 503 }, { status: 200 }]);
  const end = await tell(t, { url: peer.url() });
  assertEnd(end, { state: 'done', attempts: 2, why: /^$/ });
  assert.ok(end.heldMs < QUICK_MS, `${end.heldMs} ms`);
});

for (const status of [408, 425, 429, 500, 503, 599]) {
  test(`${status} is tried again until the attempts are used up`, async (t) => {
    const peer = await HttpPeer.start(t, [{ status }]);
    const end = await tell(t, { url: peer.url() });
    assertEnd(end, { state: 'failed', attempts: 3, why: new RegExp(`^HTTP ${status} from 127.0.0.1:${peer.port}$`) });
    assert.equal(peer.requests.length, 3);
  });
}

for (const status of [301, 400, 401, 404, 410, 422]) {
  test(`${status} fails at once`, async (t) => {
    const peer = await HttpPeer.start(t, [{ status }]);
    const end = await tell(t, { url: peer.url() });
    assertEnd(end, { state: 'failed', attempts: 1, why: new RegExp(`^HTTP ${status} from 127.0.0.1:${peer.port}$`) });
    assert.equal(peer.requests.length, 1);
  });
}

test('"attempts" and "backoff" are the task\'s own', async (t) => {
  const peer = await HttpPeer.start(t, [{ status: 500 }]);
  const end = await tell(t, { url: peer.url() }, { attempts: 7, backoff: '1ms' });
  assert.equal(end.attempts, 7);
  assert.equal(peer.requests.length, 7);
});

test('a Retry-After of one second is waited for', async (t) => {
  const peer = await HttpPeer.start(t, [{ status: 429, headers: { 'Retry-After': '1' } }, { status: 200 }]);
  const end = await tell(t, { url: peer.url() });
  assertEnd(end, { state: 'done', attempts: 2, why: /^$/ });
  assertBetween(peer.requests[1].at - peer.requests[0].at, 990, 1000 + QUICK_MS);
});

test('a Retry-After of a minute is not waited for, and no later invocation tries before', async (t) => {
  const peer = await HttpPeer.start(t, [{ status: 429, headers: { 'Retry-After': '60' } }]);
  const tasks = [{ name: 'tell', http: { url: peer.url() }, match: { 'request.path': '/once' } }];
  const story = await startFunction(t, tasks);
  await story.call(ANSWER, { at: '/once' });
  const receipt = await story.receipt();
  assertEnd(receipt.tasks[0], { state: 'carried', attempts: 1, why: /^HTTP 429 from/ });
  assert.ok(receipt.heldMs < QUICK_MS, `${receipt.heldMs} ms`);
  await story.call(ANSWER, { at: '/again' });
  const end = await story.lambda.event('invokeEnd', 2);
  assert.ok(end.durationMs < QUICK_MS, `${end.durationMs} ms`);
  assert.equal(peer.requests.length, 1);
});

test('a task that was put off is done by a later invocation, after its time', async (t) => {
  const peer = await HttpPeer.start(t, [{ status: 429, headers: { 'Retry-After': '3' } }, { status: 200 }]);
  const tasks = [{ name: 'tell', http: { url: peer.url() }, match: { 'request.path': '/once' } }];
  const story = await startFunction(t, tasks, { folder: 'late' });
  await story.call('{}', { at: '/once' });
  assertEnd(await story.outcome('tell', 1), { state: 'carried', attempts: 1, why: /^HTTP 429 from/ });
  await story.call('{}', { at: '/too-early' });
  await story.lambda.event('invokeEnd', 2);
  assert.equal(peer.requests.length, 1);
  await story.call('{"ms": 3000}', { at: '/later' });
  const done = await story.outcome('tell', 2);
  assertEnd(done, { state: 'done', attempts: 2, why: /^$/ });
  assert.ok(peer.requests[1].at - peer.requests[0].at >= 2990);
  assert.equal(peer.requests[1].headers['idempotency-key'], done.id);
});

test('a refused connection', async (t) => {
  const free = net.createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address();
  free.close();
  await once(free, 'close');
  const end = await tell(t, { url: `http://127.0.0.1:${port}/` });
  assertEnd(end, { state: 'failed', attempts: 3, why: new RegExp(`^connection to 127.0.0.1:${port} refused$`) });
  assert.ok(end.heldMs < QUICK_MS, `${end.heldMs} ms`);
});

test('a name that does not exist', { skip: withoutMounts }, async (t) => {
  const names = await NameServer.start(t, () => []);
  const end = await tell(t, { url: 'http://nowhere.example/' }, {}, { within: names.within() });
  assertEnd(end, { state: 'failed', attempts: 3, why: /^nowhere\.example: the name does not exist$/ });
  assert.ok(names.asked.every(({ name }) => name === 'nowhere.example'));
});

test('a name server that never answers holds nobody longer than "timeout"', { skip: withoutMounts }, async (t) => {
  const names = await NameServer.start(t, () => null);
  const http = { url: 'http://unheard.example/' };
  const end = await tell(t, http, { timeout: '400ms', attempts: 1 }, { within: names.within() });
  assertEnd(end, { state: 'failed', attempts: 1, why: /^timed out after 400 ms$/ });
  assertBetween(end.heldMs, 390, 400 + QUICK_MS);
  assert.equal((await end.story.call(ANSWER)).text, 'answered');
});

test('a name server that never answers is given up long before a long "timeout"', { skip: withoutMounts }, async (t) => {
  const names = await NameServer.start(t, () => null);
  const http = { url: 'http://unheard.example/' };
  const end = await tell(t, http, { attempts: 1 }, { within: names.within() });
  assertEnd(end, { state: 'failed', attempts: 1, why: /^unheard\.example: the name server did not answer$/ });
  assert.ok(end.heldMs < 5000, `${end.heldMs} ms`);
});

// Writes as fast as it is read.
function flood(request, response) {
  const chunk = Buffer.alloc(1 << 16);
  const go = () => {
    while (response.write(chunk));
    response.once('drain', go);
  };
  go();
}

function drip(request, response) {
  const timer = setInterval(() => response.write('.'), 20);
  response.once('close', () => clearInterval(timer));
}

function dripHead(request) {
  request.socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
  const timer = setInterval(() => request.socket.write('.'), 20);
  request.socket.once('close', () => clearInterval(timer));
}

const endless = {
  'that accepts and never answers': silent,
  'whose body never ends, fast': flood,
  'whose body never ends, a byte at a time': drip,
  'whose head never ends, a byte at a time': dripHead,
  'that never ends a body of its length': (request, response) => {
    response.writeHead(200, { 'Content-Length': '10' });
    response.write('12345');
  },
};

for (const [name, answer] of Object.entries(endless)) {
  test(`a server ${name}`, async (t) => {
    const peer = await HttpPeer.start(t, [answer]);
    const end = await tell(t, { url: peer.url() }, { timeout: '400ms', attempts: 2 });
    assertEnd(end, { state: 'failed', attempts: 2, why: /^timed out after 400 ms$/ });
    assertBetween(end.heldMs, 790, 800 + QUICK_MS);
    await peer.closed();
  });
}

test('a listener that never takes part in TLS', async (t) => {
  const sockets = [];
  const server = net.createServer((socket) => sockets.push(socket.on('error', silent))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  const tls = certificate(t);
  const http = { url: `https://localhost:${server.address().port}/` };
  const end = await tell(t, http, { timeout: '400ms', attempts: 1 }, { env: { SSL_CERT_FILE: tls.ca } });
  assertEnd(end, { state: 'failed', attempts: 1, why: /^timed out after 400 ms$/ });
  assertBetween(end.heldMs, 390, 400 + QUICK_MS);
});

const cut = {
  'before its length': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345',
  'in a chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123',
  'in its head': 'HTTP/1.1 200 OK\r\nContent-',
  'and is no HTTP': 'SSH-2.0-OpenSSH_9.2\r\n',
};

for (const [name, bytes] of Object.entries(cut)) {
  test(`an answer that ends ${name} is no answer`, async (t) => {
    const peer = await HttpPeer.start(t, [(request) => request.socket.end(bytes)]);
    const end = await tell(t, { url: peer.url() });
    assertEnd(end, { state: 'failed', attempts: 3, why: /cut short, or is not HTTP|without an answer/ });
    assert.equal(peer.requests.length, 3);
  });
}

const untrusted = {
  'does not match its name': [{ name: 'other.example', address: '127.0.0.9' }, /does not match its name$/],
  'has expired': [{ days: -1 }, /has expired$/],
};

for (const [name, [options, why]] of Object.entries(untrusted)) {
  test(`a certificate that ${name}: failed at once, nothing is sent`, async (t) => {
    const tls = certificate(t, options);
    const peer = await HttpPeer.start(t, [{ status: 200 }], tls);
    const end = await tell(t, { url: peer.url('localhost') }, {}, { env: { SSL_CERT_FILE: tls.ca } });
    assertEnd(end, { state: 'failed', attempts: 1, why });
    assert.equal(peer.requests.length, 0);
  });
}

test('a certificate that nobody here trusts, or signed by itself: failed at once, nothing is sent', async (t) => {
  const [known, other] = [certificate(t), certificate(t)];
  const signedByItself = { cert: other.ca, key: other.ca.replace('ca.pem', 'ca.key') };
  for (const tls of [other, signedByItself]) {
    const peer = await HttpPeer.start(t, [{ status: 200 }], tls);
    const end = await tell(t, { url: peer.url('localhost') }, {}, { env: { SSL_CERT_FILE: known.ca } });
    assertEnd(end, { state: 'failed', attempts: 1, why: /is not signed by an authority in / });
    assert.equal(peer.requests.length, 0);
  }
});
