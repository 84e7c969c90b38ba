// One environment in which the extension is killed twice (three deaths within 10 s would be one too many, contract
// and design say), at chosen moments of invocations with ten tasks each; a last invocation settles what is carried.
import { setTimeout as after } from 'node:timers/promises';
import { HttpPeer } from '../functional/http_peer.mjs';
import { Accounting, receiptsOf } from './accounting.mjs';
import { actorTask, childOf, Environment, EXTENSION, signal } from './environment.mjs';
import { choose } from './kill_moments.mjs';
import { Random } from './random.mjs';

export const KILLS = 2;
export const MOST_INTERRUPTIONS = 3; // contract.md 4.3
const RETRIED = { attempts: 3, backoff: '5ms' };
// Killed between the platform's answer to its registration and its word of it: nobody can poll in its stead.
const STARTS_OVER = /"ERROR".*registration and its word of it.*the environment starts over/;
const LONGEST_MS = 12; // of an attempt that takes its time

// Commands that do as the stage says, two of them without replay, and calls.
export const TASKS = (peer) => [
  ...Array.from({ length: 6 }, (_, n) => actorTask(`work-${n}`, RETRIED)),
  actorTask('once-0', { replay: false }),
  actorTask('once-1', { replay: false }),
  { name: 'call-0', http: { method: 'POST', url: peer.url() } },
  { name: 'call-1', http: { method: 'POST', url: peer.url() } },
];
export const mostRuns = (name) => (name.startsWith('once') ? 1 : RETRIED.attempts + MOST_INTERRUPTIONS);

// What attempts of a task do, by its id's name: some take a while, the first one of some fails.
function behave(stage, random) {
  const habits = new Map(Array.from({ length: 10 }, (_, n) => [n, { ms: random.chance(0.4) ? random.next() * LONGEST_MS : 0, fails: random.chance(0.2) }]));
  stage.rule((arrival) => {
    if (arrival.place !== 'task') return undefined;
    const { ms, fails } = habits.get(Number(arrival.id.split('/')[1].slice(-1)));
    const word = fails && arrival.attempt === 1 && !arrival.id.includes('/once') ? 1 : 0;
    if (ms === 0) return word;
    after(ms).then(() => arrival.release(word));
    return 'hold';
  });
}

// {startedOver, accepted, states, wrong, runs: by id, toldTwice, moments, answers: ms of each, left, ended, failed: the journal's
// entries that say that the platform noticed something}
export async function live(t, number) {
  const random = new Random(number);
  const plans = Array.from({ length: KILLS }, () => choose(random));
  const peer = await HttpPeer.start(t);
  const one = await Environment.start({ tasks: TASKS(peer), options: ['--timeout', '20s'] });
  t.after(async () => {
    await one.stop();
    one.clean();
  });
  one.peer = peer;
  behave(one.stage, random);
  const answers = [];
  for (const [at, plan] of [...plans, null].entries()) {
    const id = one.lambda.event('invokeStart', at + 1).then(({ requestId }) => requestId);
    const calls = peer.requests.length;
    one.calls = { next: (nth) => peer.request(calls + 1 + nth) };
    const kill = plan && plan.wait(one, id).then(async () => signal(await childOf(await one.shimNow(), EXTENSION), 'SIGKILL'));
    answers.push(await one.invoke({ moves: 'answer' }));
    await kill;
    const requestId = await id;
    await one.lambda.entry((entry) => entry.event === 'invokeEnd' && entry.requestId === requestId);
  }
  const left = await one.stop();
  return { plans, answers, left, ...account(one, peer, answers) };
}

// An init that is started over has failed and is reset.
function forgive(failed) {
  for (const [event, reason] of [['initFailed', { errorType: 'Runtime.ExitError' }], ['reset', { reason: 'FAILURE' }]]) {
    const [[key, value]] = Object.entries(reason);
    const at = failed.findIndex((entry) => entry.event === event && entry[key] === value && !entry.requestId);
    if (at >= 0) failed.splice(at, 1);
  }
}

function account(one, peer, answers) {
  const names = TASKS(peer).map(({ name }) => name);
  const accepted = answers.flatMap(({ requestId }) => names.map((name) => `${requestId}/${name}/1`));
  const accounting = new Accounting().add(receiptsOf(one.lambda.log));
  const { states, wrong } = accounting.settle(accepted, one.records());
  const runs = new Map(accepted.map((id) => [id, 0]));
  const count = (id) => runs.set(id, (runs.get(id) ?? 0) + 1);
  one.stage.arrivals.filter(({ place }) => place === 'task').forEach(({ id }) => count(id));
  peer.requests.forEach(({ headers }) => count(headers['idempotency-key']));
  const startedOver = one.lambda.log.filter((line) => STARTS_OVER.test(line)).length;
  const failed = one.lambda.entries((entry) => ['reset', 'initFailed', 'throttled'].includes(entry.event) || (entry.event === 'invokeEnd' && entry.status !== 'success'));
  for (let each = 0; each < startedOver; each += 1) forgive(failed);
  return { startedOver, accepted, states, wrong, runs, failed, toldTwice: accounting.toldTwice().length, whys: accounting.whys };
}
