// Callers send what no template expects. In no place of a request or command does a value become anything
// else than a value.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HttpPeer } from './http_peer.mjs';
import { startFunction } from './task_story.mjs';

const JSON_TYPE = { headers: { 'Content-Type': 'application/json' } };
const MB = 1 << 20;

// Values that would mean something in some place, if they got there unencoded.
const nasty = {
  'a quote': '"',
  'quotes and braces': '"}],"evil":[{"x":"',
  'a backslash': '\\',
  'backslash and quote': '\\"',
  'an escape': '\\u0022',
  'a template': '${env.SECRET}',
  'an escaped template': '$${env.SECRET}',
  'half a template': '${env.SECRET',
  'a shell': '$(touch /tmp/evil); `id` | cat && echo \'x\' > y',
  'percent signs': '%00%0d%0a%s%n%',
  'a query': '?a=b&c=d#e',
  'another host': '@evil.example/',
  'slashes': '/../../etc//passwd',
  'a space and a version': ' HTTP/1.1',
  'beyond ASCII': 'äß漢😀\u2028\u2029\u0085\ufeff',
  'a delete': 'a\u007fb',
  'a tab': 'a\tb',
};
// These make headers and arguments impossible.
const breaking = {
  'CR LF and a header': 'x\r\nX-Evil: 1',
  'LF': 'x\nX-Evil: 1',
  'CR': 'x\rX-Evil: 1',
  'a request behind it': 'x\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n',
  'NUL': 'x\u0000y',
};
const controls = { 'escape': 'a\u001b[31mb', 'bell': 'a\u0007b', 'a vertical tab': 'a\u000bb' };

const ask = (note) => JSON.stringify({ statusCode: 200, body: 'answered', note });

// One function whose only task is `task`; calls of it one after the other, each with what became of the task.
async function withTask(t, task, env = {}) {
  const story = await startFunction(t, [{ name: 'tell', attempts: 1, ...task }], { env: { SECRET: 's3cret', ...env } });
  let calls = 0;
  const call = async (body, options = JSON_TYPE) => {
    assert.equal((await story.call(body, options)).status, 200);
    calls += 1;
    return (await story.receipt(calls)).tasks[0];
  };
  return { story, call };
}

test('in a URL every value is one segment, or one value of the query', async (t) => {
  const peer = await HttpPeer.start(t);
  const url = peer.url('127.0.0.1', '/before/x${request.body.note}/after?q=${request.body.note}&r=1');
  const { call } = await withTask(t, { http: { url } });
  for (const [name, value] of Object.entries({ ...nasty, ...breaking, ...controls })) {
    const outcome = await call(ask(value));
    assert.equal(outcome.state, 'done', `${name}: ${outcome.why}`);
    const sent = peer.requests.at(-1);
    assert.match(sent.url, /^[\x21-\x7e]+$/, name);
    const [path, query] = sent.url.split('?');
    assert.deepEqual(path.split('/').map(decodeURIComponent), ['', 'before', `x${value}`, 'after'], name);
    assert.deepEqual([...new URLSearchParams(query)], [['q', value], ['r', '1']], name);
    assert.equal(sent.headers['x-evil'], undefined, name);
    assert.equal(sent.headers.host, `127.0.0.1:${peer.port}`);
  }
  assert.equal(peer.requests.length, Object.keys({ ...nasty, ...breaking, ...controls }).length);
});

test('a value that is a segment of dots does not lead to another path', async (t) => {
  const peer = await HttpPeer.start(t);
  const { call } = await withTask(t, { http: { url: peer.url('127.0.0.1', '/orders/${request.body.note}/hook') } });
  for (const value of ['.', '..']) {
    const outcome = await call(ask(value));
    assert.equal(outcome.state, 'failed');
    assert.match(outcome.why, /^http\.url: a value makes "\." or "\.\." a segment of the path$/);
  }
  assert.equal(peer.connections, 0);
  assert.equal((await call(ask('...'))).state, 'done');
});

test('in a header a value is all of it, or the task fails before anything is sent', async (t) => {
  const peer = await HttpPeer.start(t);
  const headers = { 'X-Note': 'note: ${request.body.note}.', 'X-After': 'safe' };
  const { call } = await withTask(t, { http: { url: peer.url(), headers } });
  let sent = 0;
  const { 'a delete': remove, 'beyond ASCII': beyond, ...plain } = nasty;
  for (const [name, value] of Object.entries({ ...plain, beyond })) {
    const outcome = await call(ask(value));
    assert.equal(outcome.state, 'done', `${name}: ${outcome.why}`);
    sent += 1;
    const got = peer.requests[sent - 1];
    assert.equal(Buffer.from(got.headers['x-note'], 'latin1').toString(), `note: ${value}.`, name);
    assert.equal(got.headers['x-after'], 'safe');
    const names = got.raw.filter((_, index) => index % 2 === 0).map((one) => one.toLowerCase()).sort();
    assert.deepEqual(names, ['accept', 'content-length', 'host', 'idempotency-key', 'user-agent', 'x-after', 'x-note']);
  }
  const { connections } = peer;
  for (const [name, value] of Object.entries({ ...breaking, ...controls, remove })) {
    const outcome = await call(ask(value));
    assert.equal(outcome.state, 'failed', name);
    assert.equal(outcome.attempts, 1);
    assert.match(outcome.why, /^http\.headers.*X-Note.*: \$\{request\.body\.note\} has a control character/, name);
  }
  assert.equal(peer.requests.length, sent);
  assert.equal(peer.connections, connections);
});

test('in JSON a value is a string, whatever it holds', async (t) => {
  const peer = await HttpPeer.start(t);
  const json = { note: '${request.body.note}', text: 'a ${request.body.note} b', 'key "x"': [1, '${request.body.note}'] };
  const { call } = await withTask(t, { http: { url: peer.url(), json } });
  for (const [name, value] of Object.entries({ ...nasty, ...breaking, ...controls })) {
    const outcome = await call(ask(value));
    assert.equal(outcome.state, 'done', `${name}: ${outcome.why}`);
    const sent = JSON.parse(peer.requests.at(-1).body);
    assert.deepEqual(sent, { note: value, text: `a ${value} b`, 'key "x"': [1, value] }, name);
  }
});

test('in an argument and in a variable a value is all of it, or the command does not run', async (t) => {
  const { call, story } = await withTask(t, {
    command: { argv: ['printf', '%s|', 'first', '--note=${request.body.note}', 'last'], env: { NOTE: '${request.body.note}' } },
  });
  for (const [name, value] of Object.entries({ ...nasty, ...controls })) {
    const outcome = await call(ask(value));
    assert.equal(outcome.state, 'done', `${name}: ${outcome.why}`);
    const line = `first|--note=${value}|last|`;
    assert.ok(story.lambda.log.some((one) => one === line), `${name}: ${line}`);
  }
  for (const [name, value] of Object.entries(breaking)) {
    const outcome = await call(ask(value));
    assert.equal(outcome.state, 'failed', name);
    assert.match(outcome.why, /^command.*: \$\{request\.body\.note\} has a CR, LF or NUL character$/, name);
  }
});

test('values of 1 MB: whole in JSON, refused where they cannot be', async (t) => {
  const peer = await HttpPeer.start(t);
  const at = (name) => ({ 'request.path': `/${name}` });
  const tasks = {
    json: { http: { url: peer.url(), json: ['${request.body.note}'] } },
    url: { http: { url: peer.url('127.0.0.1', '/${request.body.note}') } },
    argument: { command: ['true', '${request.body.note}'] },
  };
  const story = await startFunction(
    t,
    Object.entries(tasks).map(([name, task]) => ({ name, attempts: 1, match: at(name), ...task })),
  );
  const note = 'x'.repeat(MB - 2);
  for (const name of Object.keys(tasks)) {
    await story.call(ask(note), { ...JSON_TYPE, at: `/${name}` });
  }
  assert.equal((await story.outcome('json')).state, 'done');
  assert.equal(peer.requests[0].body, JSON.stringify([note]));
  const url = await story.outcome('url');
  assert.deepEqual([url.state, url.why], ['failed', 'the URL is longer than 65536 bytes']);
  const argument = await story.outcome('argument');
  assert.equal(argument.state, 'failed');
  assert.match(argument.why, /too long/i);
  assert.equal(peer.requests.length, 1);
});

test('a value above 1 MiB fails the task, naming it', async (t) => {
  const peer = await HttpPeer.start(t);
  const { call } = await withTask(t, { http: { url: peer.url(), json: ['${request.body.note}'] } });
  const outcome = await call(ask('x'.repeat(MB + 1)));
  assert.equal(outcome.state, 'failed');
  assert.match(outcome.why, /^http\.json.*: \$\{request\.body\.note\} is larger than 1 MiB$/);
  assert.equal(peer.connections, 0);
});

test('a value in a header that no server takes ends as its answer says', async (t) => {
  const peer = await HttpPeer.start(t);
  const { call } = await withTask(t, { http: { url: peer.url(), headers: { 'X-Note': '${request.body.note}' } } });
  const outcome = await call(ask('x'.repeat(MB - 2)));
  assert.equal(outcome.state, 'failed');
  assert.match(outcome.why, /^HTTP 431 from|closed the connection|cut short/);
  assert.equal((await call(ask('small'))).state, 'done');
});

test('bytes that are no UTF-8 in a form arrive as U+FFFD', async (t) => {
  const peer = await HttpPeer.start(t);
  const url = peer.url('127.0.0.1', '/${request.body.a}');
  const json = { a: '${request.body.a}', b: 'x${request.body.b}' };
  const task = { name: 'tell', attempts: 1, http: { url, json, headers: { 'X-A': '${request.body.a}' } } };
  const story = await startFunction(t, [task], { folder: 'buffered' });
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  await story.call('a=%FFx%C3%28%ED%A0%80&b=%00%22', { headers });
  await story.call(Buffer.from('a=\xffx\xc3(\xed\xa0\x80&b=%00%22', 'latin1'), { headers });
  const a = '\ufffdx\ufffd(\ufffd\ufffd\ufffd';
  for (const nth of [1, 2]) {
    const outcome = await story.outcome('tell', nth);
    assert.equal(outcome.state, 'done', outcome.why);
    const sent = peer.requests[nth - 1];
    assert.deepEqual(JSON.parse(sent.body), { a, b: 'x\u0000"' });
    assert.equal(decodeURIComponent(sent.url), `/${a}`);
    assert.equal(Buffer.from(sent.headers['x-a'], 'latin1').toString(), a);
  }
});

test('a body that is no UTF-8 is no JSON', async (t) => {
  const peer = await HttpPeer.start(t);
  const task = { name: 'tell', attempts: 1, http: { url: peer.url(), json: '${request.body.note}' } };
  const story = await startFunction(t, [task], { folder: 'buffered' });
  await story.call(Buffer.from('{"note": "\xff\xfe"}', 'latin1'), JSON_TYPE);
  const outcome = await story.outcome('tell');
  assert.equal(outcome.state, 'failed');
  assert.equal(outcome.why, 'http.json: ${request.body.note} is missing in the event (it is not valid JSON)');
  assert.equal(peer.connections, 0);
});

// JavaScript and Python read and write them; a caller must not be able to hide an answer from `match` by one.
const halves = '"note": "a\\ud800b\\udc00\\ud83d\\ude00", "all": {"x": "\\udc00\\ud800", "\\ud800": 1}';

test('half a surrogate pair in a request is U+FFFD, and hides nothing', async (t) => {
  const peer = await HttpPeer.start(t);
  const json = ['${request.body.note}', 'x${request.body.note}', '${request.body.all}', '${request.body.kind}'];
  const http = { url: peer.url('127.0.0.1', '/${request.body.note}'), headers: { 'X-Note': '${request.body.note}' }, json };
  const { call } = await withTask(t, { match: { 'request.body.kind': 'order' }, http });
  const outcome = await call(`{${halves}, "kind": "order", "statusCode": 200}`);
  assert.equal(outcome.state, 'done', outcome.why);
  const note = 'a\ufffdb\ufffd😀';
  const [sent] = peer.requests;
  assert.deepEqual(JSON.parse(sent.body), [note, `x${note}`, { x: '\ufffd\ufffd', '\ufffd': 1 }, 'order']);
  assert.equal(decodeURIComponent(sent.url), `/${note}`);
  assert.equal(Buffer.from(sent.headers['x-note'], 'latin1').toString(), note);
});

const answers = {
  'a result with statusCode': [`{"statusCode": 200, "body": "a\\ud800", "x": {${halves}}}`, 'response.statusCode', 200, 'response.body', 'a\ufffd'],
  'any other JSON': [`{"kind": "order", ${halves}}`, 'response.kind', 'order', 'response.note', 'a\ufffdb\ufffd😀'],
};

for (const [name, [result, reference, expected, echoed, text]] of Object.entries(answers)) {
  test(`half a surrogate pair that the function echoes, in ${name}, hides nothing`, async (t) => {
    const peer = await HttpPeer.start(t);
    const task = { name: 'tell', match: { [reference]: expected }, http: { url: peer.url(), json: `\${${echoed}}` } };
    const story = await startFunction(t, [task]);
    await story.call(result);
    await story.lambda.event('invokeEnd');
    assert.deepEqual(peer.requests.map(({ body }) => JSON.parse(body)), [text]);
  });
}

test('a payload with half a surrogate pair is refused, and nothing is kept', async (t) => {
  const peer = await HttpPeer.start(t);
  const inline = `{"http": {"url": "${peer.url()}"}, "payload": {${halves}}}`;
  const story = await startFunction(t, [], { folder: 'defers' });
  const answered = await story.call(`{"defer": [${inline}]}`);
  const [said] = JSON.parse(answered.text);
  assert.equal(said.status, 400);
  assert.match(said.error.message, /surrogate/);
  await story.lambda.event('invokeEnd');
  assert.equal(peer.connections, 0);
});
