// `kill -9` of the extension at PROOF_KILLS random moments (default: a few), spread over invocations with ten tasks
// each: none of the accepted tasks is lost, each runs at least once or ends expired with replay: false, and at most
// three times more than its attempts. PROOF_SEED repeats the choices.
import assert from 'node:assert/strict';
import test from 'node:test';
import { count } from './accounting.mjs';
import { KILLS, live, MOST_INTERRUPTIONS, mostRuns } from './kill_life.mjs';
import { NAMES } from './kill_moments.mjs';
import { SEED } from './random.mjs';

const WANTED = Number(process.env.PROOF_KILLS ?? 24);
const AT_ONCE = 2; // each looks into /proc all the time, and beside many that do the kernel reaps slowly
const LIFE_MS = 60_000; // a life takes a second
const ANSWER_MS = 2000; // an answer waits for no extension; the rest is the machine's
const lives = Array.from({ length: Math.ceil(WANTED / KILLS) }, (_, number) => number);

// What is wrong with one life, in words.
function faults({ states, wrong, runs, failed, left, answers, whys }) {
  const found = [...wrong, ...failed.map((entry) => `the platform noticed: ${JSON.stringify(entry)}`), ...left.map((pid) => `process ${pid} is left`)];
  for (const [id, state] of states) {
    const name = id.split('/')[1];
    const expired = state === 'expired' && name.startsWith('once');
    if (state !== 'done' && !expired) found.push(`${id} ended ${state}: ${whys.get(id)}`);
    if (state === 'done' && runs.get(id) === 0) found.push(`${id} is done and never ran`);
    if (runs.get(id) > mostRuns(name)) found.push(`${id} ran ${runs.get(id)} times`);
  }
  for (const { failure, text, requestId, ms } of answers) {
    if (failure !== null || text !== JSON.stringify({ answered: requestId })) found.push(`a caller got ${text}`);
    if (ms > ANSWER_MS) found.push(`an answer took ${ms} ms`);
  }
  return found;
}

test(`${lives.length * KILLS} kills of the extension lose no task`, { concurrency: AT_ONCE, timeout: 900_000 }, async (t) => {
  console.log(`seed ${SEED}`);
  const results = [];
  const found = [];
  const queue = [...lives];
  const work = async () => {
    for (let number = queue.shift(); number !== undefined; number = queue.shift()) {
      await t.test(`life ${number}`, { timeout: LIFE_MS }, async (each) => {
        const result = await live(each, number);
        const wrong = faults(result);
        results.push(result);
        found.push(...wrong);
        assert.deepEqual(wrong, [], `${result.plans.map(({ name }) => name)}`);
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const states = new Map(results.flatMap((result) => [...result.states]));
  const runs = results.flatMap((result) => [...result.runs.values()]);
  const more = results.flatMap((result) => [...result.runs]).filter(([, number]) => number > 1);
  const at = NAMES.map((name) => `${name} ${results.flatMap(({ plans }) => plans).filter((plan) => plan.name === name).length}`);
  const counts = Object.entries(count(states)).map(([state, number]) => `${state} ${number}`);
  console.log(`seed ${SEED}: ${results.length * KILLS} kills in ${results.length} environments (${at.join(', ')})`);
  console.log(`accepted ${states.size} = ${counts.join(' + ')}`);
  console.log(`runs ${runs.reduce((sum, number) => sum + number, 0)}, ${more.length} tasks ran more than once, at most ${Math.max(...runs)} times (allowed: attempts + ${MOST_INTERRUPTIONS})`);
  console.log(`environments started over in their init: ${results.reduce((sum, { startedOver }) => sum + startedOver, 0)}`);
  console.log(`ends told twice ${results.reduce((sum, { toldTwice }) => sum + toldTwice, 0)}; slowest answer ${Math.round(Math.max(...results.flatMap(({ answers }) => answers.map(({ ms }) => ms))))} ms`);
  assert.deepEqual(found, []);
});
