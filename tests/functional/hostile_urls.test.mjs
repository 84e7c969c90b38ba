// A task calls a URL that its caller gives. What may be called is decided by the address that is connected to:
// what is refused fails at once, says why, and not a byte is sent.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test from 'node:test';
import { HttpPeer } from './http_peer.mjs';
import { NameServer } from './name_server.mjs';
import { certificate, seeing, startFunction, withoutMounts } from './task_story.mjs';

const NAME = 'hooks.example.com';
const ALLOWED = [NAME, '*.hooks.example.com'];

const task = (allowHosts, more = {}) => ({
  name: 'tell',
  backoff: '1ms',
  http: { url: '${request.body.response_url}', allowHosts, json: '${context.attempt}' },
  ...more,
});

const asked = (url) => JSON.stringify({ statusCode: 200, body: 'answered', response_url: url });
const JSON_TYPE = { headers: { 'Content-Type': 'application/json' } };

// A function that calls back, and calls of it one after the other.
async function callBack(t, { allowHosts = ALLOWED, tls = null, within = [], more = {} } = {}) {
  const story = await startFunction(t, [task(allowHosts, more)], { within, env: tls ? { SSL_CERT_FILE: tls.ca } : {} });
  let calls = 0;
  return async (url) => {
    assert.equal((await story.call(asked(url), JSON_TYPE)).text, 'answered');
    calls += 1;
    const { tasks, heldMs } = await story.receipt(calls);
    return { ...tasks[0], heldMs };
  };
}

function assertRefused(outcome, why, what) {
  assert.equal(outcome.state, 'failed', what);
  assert.equal(outcome.attempts, 1, `${what}: ${outcome.why}`);
  assert.match(outcome.why, why, what);
}

// Counts whoever comes to any address of this machine.
async function doorkeeper(t) {
  let visitors = 0;
  const server = net.createServer((socket) => {
    visitors += 1;
    socket.destroy();
  });
  server.listen(0, '::');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address();
  for (const host of ['127.0.0.1', '::1']) {
    await once(net.connect(port, host).resume(), 'close'); // it does see who comes
  }
  assert.equal(visitors, 2);
  return { port, visitors: () => visitors - 2 };
}

test('addresses in every spelling are refused, unless listed', async (t) => {
  const door = await doorkeeper(t);
  const call = await callBack(t);
  const spellings = {
    '127.0.0.1': /127\.0\.0\.1 is a loopback address, list it in allowHosts/,
    '[::1]': /::1 is a loopback address/,
    '[::ffff:127.0.0.1]': /is a loopback address/,
    '[::ffff:7f00:1]': /is a loopback address/,
    '[0:0:0:0:0:0:0:1]': /is a loopback address/,
    '[::]': /is an unspecified address/,
    '[::127.0.0.1]': /is a reserved address/,
    '[64:ff9b::7f00:1]': /is a loopback address/,
    '[2002:7f00:1::]': /is a loopback address/,
    '2130706433': /is a loopback address/,
    '017700000001': /is a loopback address/,
    '0177.0.0.1': /is a loopback address/,
    '0x7f.0.0.1': /is a loopback address/,
    '0x7f000001': /is a loopback address/,
    '0X7F.1': /is a loopback address/,
    '127.1': /is a loopback address/,
    '127.0.1': /is a loopback address/,
    '0': /is an unspecified address/,
    '0.0.0.0': /is an unspecified address/,
    '169.254.170.2': /169\.254\.170\.2 is a link-local address/,
    '2852039166': /is a link-local address/,
    '[::ffff:169.254.170.2]': /is a link-local address/,
    '[fe80::1]': /is a link-local address/,
    '[fd00:ec2::254]': /is a private address/,
    '[::ffff:10.0.0.1]': /is a private address/,
    '10.0.0.1': /is a private address/,
    '192.168.1.1': /is a private address/,
    '172.31.0.1': /is a private address/,
    '100.64.0.1': /is a carrier's shared address/,
    '93.184.216.34': /93\.184\.216\.34 is not in allowHosts/,
  };
  for (const [host, why] of Object.entries(spellings)) {
    const outcome = await call(`https://${host}:${door.port}/hook`);
    assertRefused(outcome, why, host);
    assert.ok(outcome.heldMs < 900, `${host}: ${outcome.heldMs} ms`);
  }
  assert.equal(door.visitors(), 0);
});

test('what is no proper https URL of a listed host is refused', async (t) => {
  const door = await doorkeeper(t);
  const { port } = door;
  const call = await callBack(t);
  const urls = {
    [`http://${NAME}:${port}/`]: /is not called without TLS/,
    [`HTTP://${NAME}:${port}/`]: /is not called without TLS/,
    [`https://localhost:${port}/`]: /localhost is not in allowHosts/,
    [`https://${NAME}.evil.example:${port}/`]: /is not in allowHosts/,
    [`https://evil${NAME}:${port}/`]: /is not in allowHosts/,
    [`https://${NAME}@127.0.0.1:${port}/`]: /user name/,
    [`https://${NAME}:443@127.0.0.1:${port}/`]: /user name/,
    [`https://127.0.0.1:${port}#@${NAME}/`]: /fragment/,
    [`https://127.0.0.1:${port}\\@${NAME}/`]: /backslash/,
    [`https://127.0.0.1:${port}?@${NAME}/`]: /is a loopback address/,
    [`https://127.0.0.1:${port}/@${NAME}/`]: /is a loopback address/,
    [`https://${NAME}%00.evil.example:${port}/`]: /character that no host name has/,
    [`https://${NAME}%2f@127.0.0.1:${port}/`]: /user name/,
    [`https://127.0.0.1%2f${NAME}:${port}/`]: /character that no host name has/,
    [`https://127.0.0.1:${port}:443/`]: /port is not a number/,
    [`https://[::1%25lo]:${port}/`]: /not an IPv6 address/,
    [`https://①②⑦.0.0.1:${port}/`]: /beyond ASCII/,
    [`https://ｌocalhost:${port}/`]: /beyond ASCII/,
    [`https://${NAME}./`]: /not a host name/,
    [`https://0x7f.0.0.0x1.:${port}/`]: /not a host name/,
    [`https://256.0.0.1:${port}/`]: /neither a name nor an address/,
    [`https:/127.0.0.1:${port}/`]: /no absolute http or https URL/,
    [`https:///127.0.0.1:${port}/`]: /no host/,
    [`//127.0.0.1:${port}/`]: /no absolute http or https URL/,
    [`file:///etc/passwd`]: /no absolute http or https URL/,
    [`gopher://127.0.0.1:${port}/`]: /no absolute http or https URL/,
    [`jar:https://127.0.0.1:${port}/`]: /no absolute http or https URL/,
    [` https://127.0.0.1:${port}/`]: /no absolute http or https URL/,
    [`https://127.0.0.1:${port}/\r\nX-Evil: 1`]: /no absolute http or https URL|control character/,
    [`https://127.0.0.1:${port}/ HTTP/1.1`]: /no absolute http or https URL|space/,
    '': /no absolute http or https URL/,
  };
  for (const [url, why] of Object.entries(urls)) {
    assertRefused(await call(url), why, JSON.stringify(url));
  }
  assert.equal(door.visitors(), 0);
});

test('a value that is not text, or is missing, is no URL', async (t) => {
  const call = await callBack(t);
  for (const value of [17, null, { href: 'https://x/' }, ['https://x/'], true]) {
    assertRefused(await call(value), /^http\.url: /, JSON.stringify(value));
  }
  assertRefused(await call(undefined), /^http\.url: \$\{request\.body\.response_url\} is missing/, 'missing');
});

test('a listed name of a refused address in /etc/hosts', { skip: withoutMounts }, async (t) => {
  const door = await doorkeeper(t);
  const hosts = ['127.0.0.1 v4', '::1 v6', '::ffff:10.0.0.1 mapped', '169.254.170.2 credentials', '0.0.0.0 any'];
  const files = { '/etc/hosts': hosts.map((line) => `${line}.hooks.example.com\n`).join('') };
  const call = await callBack(t, { within: seeing(t, files) });
  const names = {
    v4: /^v4\.hooks\.example\.com: 127\.0\.0\.1 is a loopback address, list it in allowHosts$/,
    v6: /^v6\.hooks\.example\.com: ::1 is a loopback address/,
    mapped: /^mapped\.hooks\.example\.com: 10\.0\.0\.1 is a private address/,
    credentials: /^credentials\.hooks\.example\.com: 169\.254\.170\.2 is a link-local address/,
    any: /^any\.hooks\.example\.com: 0\.0\.0\.0 is an unspecified address/,
  };
  for (const [name, why] of Object.entries(names)) {
    assertRefused(await call(`https://${name}.hooks.example.com:${door.port}/`), why, name);
  }
  assert.equal(door.visitors(), 0);
});

test('a listed name of a refused address in DNS', { skip: withoutMounts }, async (t) => {
  const door = await doorkeeper(t);
  const addresses = {
    v4: ['127.0.0.1'],
    v6: ['::1'],
    mapped: ['::ffff:a00:1'],
    nat64: ['64:ff9b::7f00:1'],
    both: ['10.1.2.3', 'fd00::1'],
    many: ['127.0.0.1', '127.0.0.2', '192.168.0.1'],
  };
  const names = await NameServer.start(t, (name) => addresses[name.split('.')[0]] ?? []);
  const call = await callBack(t, { within: names.within() });
  for (const name of Object.keys(addresses)) {
    const why = new RegExp(`^${name}\\.hooks\\.example\\.com: .* is a (loopback|private) address, list it in allowHosts$`);
    assertRefused(await call(`https://${name}.hooks.example.com:${door.port}/`), why, name);
  }
  assert.equal(door.visitors(), 0);
});

test('a name that resolves differently the second time', { skip: withoutMounts }, async (t) => {
  const listed = '127.0.0.2';
  const names = await NameServer.start(t, (name, nth) => [nth === 1 ? listed : '127.0.0.1']);
  const tls = certificate(t, { name: NAME });
  const closing = { status: 503, headers: { Connection: 'close' } };
  const places = [{ host: listed, answers: [closing, { status: 200 }] }, { host: '127.0.0.1' }];
  const [peer, other] = await HttpPeer.startTwo(t, places, tls);
  const call = await callBack(t, { allowHosts: [NAME, listed], tls, within: names.within() });
  const outcome = await call(`https://${NAME}:${peer.port}/`);
  assert.deepEqual([outcome.state, outcome.attempts], ['failed', 2]);
  assert.equal(outcome.why, `${NAME}: 127.0.0.1 is a loopback address, list it in allowHosts`);
  assert.equal(peer.requests.length, 1);
  assert.equal(other.connections, 0);
  assert.equal(names.asked.filter(({ type }) => type === 'A').length, 2, 'one look a connection');
});

test('of several addresses only those that may be are connected to', { skip: withoutMounts }, async (t) => {
  const listed = '127.0.0.2';
  const names = await NameServer.start(t, () => ['127.0.0.1', listed, '::1']);
  const tls = certificate(t, { name: NAME });
  const places = [{ host: listed, answers: [{ status: 500 }, { status: 200 }] }, { host: '127.0.0.1' }];
  const [peer, other] = await HttpPeer.startTwo(t, places, tls);
  const call = await callBack(t, { allowHosts: ['*.example.com', `${listed}/32`], tls, within: names.within() });
  const outcome = await call(`https://${NAME}:${peer.port}/`);
  assert.deepEqual([outcome.state, outcome.attempts], ['done', 2], outcome.why);
  assert.equal(peer.connections, 1);
  assert.equal(other.connections, 0);
  assert.equal(peer.requests[0].headers.host, `${NAME}:${peer.port}`);
});

test('a redirect to a refused address is not followed', { skip: withoutMounts }, async (t) => {
  const door = await doorkeeper(t);
  const listed = '127.0.0.2';
  const names = await NameServer.start(t, () => [listed]);
  const tls = certificate(t, { name: NAME });
  const away = { status: 307, headers: { Location: `https://127.0.0.1:${door.port}/` } };
  const peer = await HttpPeer.start(t, [away], tls, { host: listed });
  const call = await callBack(t, { allowHosts: [NAME, listed], tls, within: names.within() });
  assertRefused(await call(`https://${NAME}:${peer.port}/`), /^HTTP 307 from/, 'redirect');
  assert.equal(door.visitors(), 0);
});
