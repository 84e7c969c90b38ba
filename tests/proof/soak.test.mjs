// PROOF_INVOCATIONS invocations (default: few) over four environments with tasks of many kinds, some failing, some
// carried, some handed to a dead letter, while processes are killed, stopped and frozen by chance. At the end every
// accepted task is accounted for, every caller had one answer in time, and nothing has grown. PROOF_SEED repeats
// the choices.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { AwsPeer, CREDENTIALS, REGION, require } from '../functional/aws_peer.mjs';
import { fauxqs, sqs } from '../functional/aws_stand_ins.mjs';
import { HttpPeer } from '../functional/http_peer.mjs';
import { count } from './accounting.mjs';
import { SEED } from './random.mjs';
import { SoakEnvironment, TIMEOUT_MS } from './soak_environment.mjs';
import { ALLOWED, TROUBLES } from './soak_plan.mjs';
import { least, median } from './soak_watch.mjs';

const { ReceiveMessageCommand, DeleteMessageBatchCommand } = require('@aws-sdk/client-sqs');
const INVOCATIONS = Number(process.env.PROOF_INVOCATIONS ?? 800);
const MIB = 1024 * 1024;
const MOST_GROWTH = MIB; // design.md 7
const MOST_DESCRIPTORS_MORE = 3; // connections that are kept for the next call
const MOST_FILES_MORE = 6; // two carried tasks with their bodies
const LATER = { status: 429, headers: { 'Retry-After': '3' } }; // is not waited for: the task is carried

const sum = (list) => list.reduce((total, each) => total + each, 0);
const say = (line) => console.log(`soak: ${line}`);

// A server whose "/later" refuses each task once.
function answers() {
  const known = new Set();
  return (request, response) => {
    const id = request.headers['idempotency-key'];
    const first = request.url === '/later' && !known.has(id);
    known.add(id);
    response.writeHead(first ? LATER.status : 200, first ? LATER.headers : {});
    response.end();
  };
}

// The bodies of all messages of a queue.
async function messagesOf(QueueUrl) {
  const bodies = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) return bodies;
    bodies.push(...Messages.map(({ Body }) => JSON.parse(Body)));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle })) }));
  }
}

// What is wrong with the callers of an environment, in words. A caller may get the platform's error only where a
// process was killed under its invocation.
function callersOf({ calls, byRequest, one }) {
  const wrong = [];
  for (const { event, requestId, how, text } of calls) {
    const { answered = 0, whole = 0, end = 'none', ms = 0 } = byRequest.get(requestId) ?? {};
    const told = event.moves.endsWith('fail');
    if (answered !== 1) wrong.push(`${requestId} was answered ${answered} times`);
    if (whole > 1) wrong.push(`${requestId} has ${whole} answers at the platform`);
    if (end === 'timeout' || ms > TIMEOUT_MS) wrong.push(`${requestId} took ${ms} ms (${end})`);
    if (end === 'success' && how !== (told ? 'failure' : 'answer')) wrong.push(`${requestId} got ${text}`);
    if (how === 'answer' && text !== JSON.stringify({ answered: requestId })) wrong.push(`${requestId} got ${text}`);
  }
  const known = new Set(calls.map(({ requestId }) => requestId));
  const unasked = [...byRequest.keys()].filter((id) => !known.has(id));
  return [...wrong, ...unasked.map((id) => `nobody asked for ${id} at ${one.lambda.pid}`)];
}

function endsOf({ states, whys }) {
  return [...states].filter(([id, state]) => !ALLOWED[id.split('/')[1]].includes(state)).map(([id, state]) => `${id} ended ${state}: ${whys.get(id)}`);
}

function growthOf({ number, watch }) {
  const wrong = [];
  const mib = (bytes) => (bytes / MIB).toFixed(2);
  for (const who of ['shim', 'extension']) {
    const memory = watch.drift((sample) => sample[who].bytes, median);
    const descriptors = watch.drift((sample) => sample[who].descriptors, least);
    say(`environment ${number}, ${who}: ${mib(memory.early)} MiB early, ${mib(memory.late)} late, ${mib(watch.most((sample) => sample[who].bytes))} at most; ` +
      `descriptors ${descriptors.early}, ${descriptors.late}, ${watch.most((sample) => sample[who].descriptors)}; ${new Set(watch.samples.map((sample) => sample[who].pid)).size} processes in ${watch.samples.length} samples`);
    if (memory.late - memory.early > MOST_GROWTH) wrong.push(`${who} ${number} grew from ${mib(memory.early)} to ${mib(memory.late)} MiB`);
    if (descriptors.late - descriptors.early > MOST_DESCRIPTORS_MORE) wrong.push(`${who} ${number}: descriptors ${descriptors.early}, then ${descriptors.late}`);
  }
  const files = watch.drift((sample) => sample.files, least);
  if (files.late > files.early + MOST_FILES_MORE) wrong.push(`spool ${number}: ${files.early} files, then ${files.late}`);
  say(`environment ${number}, spool: ${files.early} files early, ${files.late} late, ${watch.most((sample) => sample.files)} and ${watch.most((sample) => sample.spooled)} bytes at most`);
  return wrong;
}

test(`${INVOCATIONS} invocations over ${TROUBLES.length} environments`, { timeout: 900_000 }, async (t) => {
  say(`seed ${SEED}`);
  const began = Date.now();
  const queues = Object.fromEntries(['letters', 'sent'].map((name) => [name, fauxqs.createQueue(name).queueUrl]));
  const peer = await HttpPeer.start(t, [answers()]);
  const queue = await AwsPeer.start(t, 'sqs', fauxqs.address);
  const world = { peer, env: { ...CREDENTIALS, AWS_REGION: REGION, AWS_ENDPOINT_URL_SQS: queue.url } };
  const environments = await Promise.all(TROUBLES.map((_, number) => SoakEnvironment.start(number, world)));
  after(() => environments.forEach(({ one }) => one.clean()));
  await Promise.all(environments.map((each) => each.run(INVOCATIONS / TROUBLES.length)));
  const seconds = (Date.now() - began) / 1000;

  const accounts = environments.map((each) => each.account());
  const files = environments.flatMap(({ one }) => (one.records().length === 0 ? one.spoolFiles() : []));
  const left = (await Promise.all(environments.map(({ one }) => one.stop()))).flat();
  const wrong = [
    ...accounts.flatMap((account) => [...account.wrong, ...endsOf(account)]),
    ...environments.flatMap(callersOf),
    ...environments.flatMap(growthOf),
    ...files.map((file) => `left in the spool: ${file}`),
    ...left.map((pid) => `process ${pid} is left`),
  ];

  const states = new Map(accounts.flatMap((account) => [...account.states]));
  const counts = count(states);
  const letters = new Set((await messagesOf(queues.letters)).map(({ id }) => id));
  const sent = new Set((await messagesOf(queues.sent)).map(({ id }) => id));
  for (const [id, state] of states) {
    if (state === 'spilled' && !letters.has(id)) wrong.push(`${id} is spilled and no message has it`);
    if (id.includes('/send/') && state === 'done' && !sent.has(id)) wrong.push(`${id} is done and no message has it`);
  }
  const known = environments.flatMap(({ byRequest }) => [...byRequest.values()]);
  const troubles = environments.map(({ done }, number) => `${number}: ${Object.entries(done).filter(([, times]) => times > 0).map(([what, times]) => `${what} ${times}`).join(', ')}`);
  say(`seed ${SEED}: ${sum(environments.map(({ calls }) => calls.length))} invocations in ${seconds} s; troubles in environment ${troubles.join('; ')}`);
  say(`accepted ${states.size} = ${Object.entries(counts).map(([state, number]) => `${state} ${number}`).join(' + ')}; ends told twice ${sum(accounts.map(({ toldTwice }) => toldTwice))}`);
  say(`callers ${known.length}: answered once ${known.filter(({ answered }) => answered === 1).length}, platform's errors under a kill ${known.filter(({ end }) => end === 'error').length}; ` +
    `longest invocation ${Math.round(Math.max(...known.map(({ ms = 0 }) => ms)))} of ${TIMEOUT_MS} ms`);
  say(`messages: ${letters.size} dead letters, ${sent.size} sent`);
  assert.equal(states.size, sum(Object.values(counts)) - counts.lost);
  assert.deepEqual(wrong.slice(0, 40), []);
});
