// Plays one cell of the fault matrix and tells what was seen; judging is not done here.
import { setTimeout as after } from 'node:timers/promises';
import { arn, AwsPeer, CREDENTIALS, failure, REGION } from '../functional/aws_peer.mjs';
import { HttpPeer } from '../functional/http_peer.mjs';
import { Accounting, receiptsOf } from './accounting.mjs';
import { actorTask, Environment, inflict, reaped } from './environment.mjs';
import { resets } from './fault_matrix.mjs';

const RETRIED = { attempts: 2, backoff: '10ms' };
// How work is made to be held over: a server that wants to be asked again later than a task waits.
const RETRY_AFTER_S = 3;
const at = (place, nth = 1) => [(arrival) => arrival.place === place, nth];
const task = (name) => (arrival) => arrival.place === 'task' && arrival.id.endsWith(`/${name}/1`);
const isTask = ({ place }) => place === 'task';

function tasksOf(cell, peer) {
  const tasks = [
    actorTask('work', RETRIED),
    actorTask('once', { replay: false }),
    { name: 'note', http: { method: 'POST', url: peer.url() } },
    actorTask('alarm', { when: 'failure', ...RETRIED }),
  ];
  if (PHASES[cell.phase].carries) tasks.push({ name: 'before', trigger: 'demand', http: { method: 'POST', url: peer.url('127.0.0.1', '/before') } });
  if ('late' in cell.expected.tasks) tasks.push(actorTask('late', { when: 'timeout', ...RETRIED }));
  return tasks;
}

// How the environment is brought to its phase: what it needs to start, and `reach`, which returns {caller: the
// promise of the caller's result, or null if its invocation is still to come; release: lets all go on; command:
// the pid of the command to hit}.
const PHASES = {
  init: {
    reach: async (one) => {
      await one.lambda.event('extensionNext'); // registered and parked
      return { caller: null };
    },
    before: (one) => one.stage.hold(...at('init')),
  },
  'idle, frozen': { carries: true, reach: (one) => idle(one) },
  'idle, awake': {
    carries: true,
    reach: async (one) => {
      const reached = await idle(one);
      reached.frozen.pids.forEach((pid) => process.kill(pid, 'SIGCONT'));
      return reached;
    },
  },
  handling: { reach: (one, cell) => held(one, cell, 'handling', 'hold:handling answer') },
  streaming: { reach: (one, cell) => held(one, cell, 'streaming', 'begin hold:streaming end') },
  answered: {
    reach: async (one) => {
      one.stage.hold(isTask, 2);
      one.stage.hold(...at('answered'));
      const caller = one.invoke({ moves: 'answer hold:answered' });
      await caller;
      await one.stage.arrival(...at('answered'));
      return { caller, command: await running(one) };
    },
  },
  tasks: {
    reach: async (one) => {
      one.stage.hold(isTask, 2);
      const caller = one.invoke({ moves: 'answer' });
      const command = await running(one);
      await one.lambda.event('runtimeNext', 2);
      return { caller, command };
    },
  },
  // Its dead letter refused what is held, and at the end does not answer: so everybody is there to be hit. An
  // external extension begins only when the runtime has ended.
  shutdown: {
    carries: true,
    spills: true,
    reach: async (one, { flavour }) => {
      one.stage.hold(...at('sigterm'));
      const reached = await shuttingDown(one);
      await Promise.all([one.stage.arrival(...at('sigterm')), flavour === 'external' || reached.spills()]);
      return reached;
    },
  },
  'shutdown, last': {
    carries: true,
    spills: true,
    reach: async (one) => {
      const reached = await shuttingDown(one);
      await reached.spills();
      return reached;
    },
  },
};

async function shuttingDown(one) {
  const reached = await idle(one);
  const refused = one.queue.requests.length;
  one.queue.answerWith(() => new Promise(() => {}));
  return { ...reached, end: one.end(), spills: () => one.queue.request(refused + 1) };
}

// Both commands wait at the stage and the call was answered; the first one's process.
async function running(one) {
  const { pid } = await one.stage.arrival(task('work'));
  await one.stage.arrival(task('once'));
  await one.peer.request();
  return pid;
}

// An invocation is over, its task "before" is carried and due in a while.
async function idle(one) {
  const { requestId } = await one.invoke({ moves: 'defer:before answer' });
  const frozen = await one.lambda.event('frozen', 2); // the first one was behind the init
  return { caller: null, before: requestId, frozen, due: after(RETRY_AFTER_S * 1000) };
}

function answerBefore() {
  let refused = false;
  return (request, response) => {
    const early = request.url === '/before' && !refused;
    refused ||= early;
    response.writeHead(early ? 429 : 200, early ? { 'Retry-After': String(RETRY_AFTER_S) } : {});
    response.end();
  };
}

async function held(one, cell, place, moves) {
  one.stage.hold(...at(place));
  if (cell.target === 'command') one.stage.hold(task('late'));
  const streamed = place === 'streaming' ? one.stream({ moves }) : null;
  const caller = streamed ? streamed.then(async ({ requestId, end }) => ({ ...(await end), requestId })) : one.invoke({ moves });
  await one.stage.arrival(...at(place));
  await streamed; // its first byte is there
  const command = cell.target === 'command' ? (await one.stage.arrival(task('late'))).pid : null;
  return { caller, command };
}

// What the platform says of the caller's invocation: see fault_matrix.mjs.
async function platformOf(one, requestId) {
  const end = await one.lambda.entry((entry) => entry.event === 'invokeEnd' && entry.requestId === requestId);
  if (end.status !== 'success') return end.errorType;
  const before = one.lambda.entries((entry) => entry.ms < end.ms);
  if (before.some(({ event }) => event === 'initFailed')) return 'init';
  return before.some(({ event }) => event === 'reset') ? 'idle' : 'success';
}

const howOf = ({ failure }) => (failure === null ? 'answer' : failure === 'cut' ? 'cut' : 'failure');

// {name: end} of the tasks of that invocation that were accepted for sure, or are known.
function judged(accounting, records, requestIds, expected) {
  const known = new Set([...accounting.ends.keys(), ...records.map(({ id }) => id)]);
  const ids = {};
  for (const [name, ends] of Object.entries(expected)) {
    const id = `${name === 'before' ? requestIds.before : requestIds.caller}/${name}/1`;
    const optional = ends === null || (Array.isArray(ends) && ends.includes(null));
    if (!optional || known.has(id)) ids[name] = id;
  }
  return ids;
}

const others = (requestId) => ['work', 'once', 'note'].map((name) => `${requestId}/${name}/1`);

function account(one, cell, requestIds) {
  const records = one.records();
  const accounting = new Accounting().add(receiptsOf(one.lambda.log));
  const ids = judged(accounting, records, requestIds, cell.expected.tasks);
  const rest = new Set([requestIds.before, requestIds.again].filter((id) => id && id !== requestIds.caller).flatMap(others));
  const { states, wrong } = accounting.settle([...Object.values(ids), ...rest], records);
  const tasks = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, states.get(id)]));
  const unfinished = [...rest].filter((id) => states.get(id) !== 'done').map((id) => `${id} of another invocation: ${states.get(id)}`);
  const orphans = records.length === 0 ? one.spoolFiles() : [];
  return { tasks, wrong: [...wrong, ...unfinished, ...orphans.map((file) => `left in the spool: ${file}`)], toldTwice: accounting.toldTwice().length };
}

// {how, text, callerMs, platform, tasks: {name: end}, wrong, ms, left: pids, log, ended: the journal's last word}
export async function play(t, cell) {
  const phase = PHASES[cell.phase];
  const peer = await HttpPeer.start(t, [answerBefore()]);
  const queue = phase.spills ? await AwsPeer.start(t, 'sqs', failure('AccessDenied', 403)) : null;
  const one = await Environment.start({
    tasks: tasksOf(cell, peer),
    flavour: cell.flavour,
    env: {
      ...(queue && { ...CREDENTIALS, AWS_REGION: REGION, AWS_ENDPOINT_URL: queue.url, POSTLUDE_DEAD_LETTER: arn('sqs', 'letters') }),
    },
    options: ['--url-mode', 'stream', '--timeout', 'late' in cell.expected.tasks ? '5s' : '20s'],
  });
  Object.assign(one, { peer, queue });
  t.after(async () => {
    await one.stop();
    one.clean();
  });
  phase.before?.(one);
  const reached = await phase.reach(one, cell);
  const pid = cell.target === 'command' ? reached.command : await one[cell.target]();
  const began = performance.now();
  const fault = await inflict(cell.fault, pid);
  if (cell.outcome === 'settled first') await reaped(pid); // before any task ends
  if (cell.outcome === 'starts over') await one.lambda.event('initFailed'); // before the runtime's poll makes it a good one
  if (resets(cell)) await one.lambda.event('reset');
  one.stage.releaseAll();
  return phase.spills ? shutDown(one, cell, { reached, fault }) : goOn(one, cell, { reached, fault, began });
}

async function shutDown(one, cell, { reached, fault }) {
  const left = await reached.end;
  await fault.over;
  return {
    how: 'answer', text: '', callerMs: 0, platform: 'shutdown', left, ms: 0, log: one.lambda.log,
    ...account(one, cell, { caller: reached.before, before: reached.before }),
    ended: await one.lambda.event('shutdown'),
  };
}

async function goOn(one, cell, { reached, fault, began }) {
  if (reached.caller === null) await fault.over;
  const asked = performance.now();
  const caller = await (reached.caller ?? one.invoke({ moves: 'answer' }));
  const callerMs = performance.now() - asked;
  await fault.over;
  const platform = await platformOf(one, caller.requestId);
  await reached.due;
  const again = await one.invoke({ moves: 'answer' });
  const platformAgain = await platformOf(one, again.requestId);
  const ms = performance.now() - began;
  const left = await one.stop();
  const accounts = account(one, cell, { caller: caller.requestId, before: reached.before, again: again.requestId });
  if (howOf(again) !== 'answer') accounts.wrong.push(`the next invocation: ${again.text}`);
  return { how: howOf(caller), text: caller.text, requestId: caller.requestId, callerMs, platform, platformAgain, ms, left, log: one.lambda.log, ...accounts, ended: await one.lambda.event('shutdown') };
}
