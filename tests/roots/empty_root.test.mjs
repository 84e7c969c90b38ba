// What `make layer` packs runs where there is nothing else: the layer's own programs in an empty root.
import assert from 'node:assert/strict';
import test from 'node:test';
import { arn, AwsPeer, CREDENTIALS, failure, REGION } from '../functional/aws_peer.mjs';
import { memory, processOf } from '../functional/emulated_processes.mjs';
import { HttpPeer } from '../functional/http_peer.mjs';
import { certificate } from '../functional/task_story.mjs';
import { architecture, emptyRoot, filesIn, foreign, Gate, startInside } from './empty_root.mjs';

const MEGABYTE = 1024 * 1024;
const MEMORY = 128 * MEGABYTE;
const onDemand = (name, ...words) => ({ name, trigger: 'demand', command: ['./task', ...words] });
const states = ({ tasks }) => tasks.map(({ name, state }) => [name, state]).sort();

test('the root is as empty, its user as weak as the stories say', async (t) => {
  const root = emptyRoot(t);
  const story = await startInside(t, [], { root });
  await story.moves('look,answer');
  await story.said('look: writable /tmp/');
  const looks = story.lambda.log.filter((line) => line.startsWith('look: ')).map((line) => line.slice('look: '.length));
  assert.deepEqual(looks.slice(0, 4), [
    'user 993 rights 0000000000000000',
    `descriptors 1024 data ${foreign ? 'any' : MEMORY}`,
    'root dev emulator etc opt proc tmp var',
    'writable /tmp/',
  ]);
});

for (const linux414 of foreign ? [false] : [false, true]) {
  const where = linux414 ? 'with the system calls of Linux 4.14 alone' : 'in an empty root';
  test(`${where}: a buffered answer, a command, and calls over TLS by name and address`, async (t) => {
    const tls = certificate(t);
    const peer = await HttpPeer.start(t, [{ status: 200 }], tls);
    const story = await startInside(t, [
      { name: 'command', command: ['./task', 'ran'] },
      { name: 'by-name', http: { url: peer.url('localhost', '/by-name'), json: '${response}' } },
      { name: 'by-address', http: { url: peer.url('127.0.0.1', '/by-address') } },
      { name: 'again', handler: { event: { does: 'moves=done,answer' } } },
    ], { root: emptyRoot(t, { ca: tls.ca }), linux414 });
    if (linux414) {
      await story.moves('look,answer');
      await story.said('look: pidfd_open Function not implemented');
    }
    const nth = linux414 ? 2 : 1;
    const { status, text } = await story.moves('answer');
    const { requestId } = await story.lambda.event('invokeStart', nth);
    assert.deepEqual([status, text], [200, JSON.stringify({ answered: requestId }).replace(':', ': ')]);
    assert.deepEqual(states(await story.receipt(nth)), [['again', 'done'], ['by-address', 'done'], ['by-name', 'done'], ['command', 'done']]);
    await story.said('task: command ran with its document');
    await story.said('function: handler done');
    const called = peer.requests.slice(-2).map(({ url, body }) => [url, body]).sort();
    assert.deepEqual(called, [['/by-address', ''], ['/by-name', text.replace(': ', ':')]]);
  });
}

test('a certificate that nobody vouches for is refused', async (t) => {
  const peer = await HttpPeer.start(t, [{ status: 200 }], certificate(t));
  const story = await startInside(t, [{ name: 'call', attempts: 1, http: { url: peer.url('localhost') } }],
    { root: emptyRoot(t, { ca: certificate(t).ca }) });
  await story.moves('answer');
  const { state, why } = await story.outcome('call');
  assert.equal(state, 'failed');
  assert.match(why, /certificate/);
  assert.equal(peer.requests.length, 0);
});

test('a streamed answer has reached its caller while the handler works on', async (t) => {
  const gate = await Gate.start(t);
  const story = await startInside(t, [{ name: 'after', command: ['./task', 'ran'] }],
    { root: emptyRoot(t), gate, options: ['--url-mode', 'stream'] });
  const response = await fetch(new URL('/?moves=begin,gate,end,gate,done', story.url));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, 'first ');
  (await gate.visitor()).open();
  assert.equal((await reader.read()).value, 'second');
  assert.equal((await reader.read()).done, true);
  await story.said('task: after ran'); // the handler has not returned yet
  const handler = await gate.visitor();
  assert.deepEqual(story.lambda.log.filter((line) => line === 'function: handler done'), []);
  handler.open();
  assert.deepEqual(states(await story.receipt()), [['after', 'done']]);
  assert.ok(story.lambda.log.includes('function: handler done'));
});

test('the local API answers early, takes work over and tells how it is', async (t) => {
  const story = await startInside(t, [onDemand('asked', 'ran')], { root: emptyRoot(t) });
  const { text } = await story.moves('health,defer:asked,defer:unknown,early,answer');
  assert.equal(text, '"early"');
  assert.deepEqual(states(await story.receipt()), [['asked', 'done']]);
  const said = story.lambda.log.filter((line) => line.startsWith('function: ')).slice(1);
  const health = JSON.parse(said.shift().slice('function: '.length));
  assert.deepEqual([health.status, health.extension], ['ok', 'running']);
  assert.deepEqual(said, ['function: defer 202', 'function: defer 404', 'function: early 202', 'function: answer 202']);
  await story.said('task: asked ran with its document');
});

test('work that does not fit before the deadline is carried to the next invocation', async (t) => {
  const gate = await Gate.start(t);
  const story = await startInside(t, [onDemand('long', 'gate')], { root: emptyRoot(t), gate, options: ['--timeout', '2s'] });
  await story.moves('defer:long,answer');
  assert.deepEqual(states(await story.receipt()), [['long', 'carried']]);
  assert.equal((await story.lambda.event('invokeEnd')).status, 'success');
  await gate.visitor(); // the attempt that the deadline ended
  await story.moves('answer');
  (await gate.visitor()).open();
  assert.deepEqual(states(await story.receipt(2)), [['long', 'done']]);
});

for (const flavour of ['', 'external-']) {
  test(`at a shutdown of the ${flavour || 'default-'}layer what is left goes to the dead letters`, async (t) => {
    const sqs = await AwsPeer.start(t, 'sqs', failure('AccessDenied', 403));
    const story = await startInside(t, [{ name: 'broken', command: ['./task', 'fail'] }], {
      root: emptyRoot(t, { flavour }),
      env: { ...CREDENTIALS, AWS_REGION: REGION, AWS_ENDPOINT_URL: sqs.url, POSTLUDE_DEAD_LETTER: arn('sqs', 'letters') },
    });
    assert.equal((await story.moves('answer')).status, 200);
    assert.deepEqual(states(await story.receipt()), [['broken', 'carried']]);
    const { kind } = await story.lambda.event('extensionRegistered');
    assert.equal(kind, flavour === '' ? 'internal' : 'external');
    sqs.answerWith(() => ({ status: 200, body: '{}' }));
    await story.lambda.stop();
    assert.deepEqual(states(await story.receipt(2)), [['broken', 'spilled']]);
    assert.deepEqual((await story.lambda.event('shutdown')).leftovers, []);
  });
}

test('all processes together stay far below the smallest function', { skip: foreign && 'it would be the memory of qemu' }, async (t) => {
  const tls = certificate(t);
  const peer = await HttpPeer.start(t, [{ status: 200 }], tls);
  const calls = Array.from({ length: 16 }, (_, n) => ({ name: `call-${n}`, http: { url: peer.url('localhost'), json: '${event}' } }));
  // The limit of a process counts the 8 MB that each thread may use of its stack, the platform what is used.
  const story = await startInside(t, calls, { root: emptyRoot(t, { ca: tls.ca }), env: { POSTLUDE_CONCURRENCY: '16' }, limited: false });
  for (const nth of [1, 2, 3]) {
    await story.invoke(JSON.stringify({ text: 'x'.repeat(MEGABYTE / 2), does: 'moves=answer' }));
    assert.deepEqual(new Set((await story.receipt(nth)).tasks.map(({ state }) => state)), new Set(['done']));
  }
  const most = ['postlude', 'postlude-extens', 'bootstrap']
    .reduce((sum, name) => sum + memory(processOf(story.lambda.pid, name), 'VmHWM'), 0);
  t.diagnostic(`${Math.round(most / MEGABYTE)} MiB at most`);
  assert.ok(most < MEMORY / 2, `${most} bytes`);
});

test('nothing is written but below /tmp, and there only the journal', async (t) => {
  const root = emptyRoot(t);
  const before = filesIn(root).filter((file) => !file.startsWith(`${root}/tmp/`));
  const story = await startInside(t, [{ name: 'broken', command: ['./task', 'fail'] }], { root });
  await story.moves('answer');
  await story.receipt();
  await story.lambda.stop();
  assert.deepEqual(filesIn(root).filter((file) => !file.startsWith(`${root}/tmp/`)), before);
  assert.deepEqual(filesIn(`${root}/tmp`).filter((file) => !file.startsWith(`${root}/tmp/postlude/`)), []);
  t.diagnostic(`${architecture}: ${before.length} files in the root`);
});
