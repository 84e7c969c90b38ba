// Every cell of the fault matrix, played with real processes, against what fault_matrix.mjs says. PROOF_CELLS:
// `all`, or a sample (the default) that is quick. PROOF_ONLY is a part of a cell's name, to play it alone.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { count } from './accounting.mjs';
import { inflict } from './environment.mjs';
import { play } from './fault_cell.mjs';
import { PAGE, page } from './fault_page.mjs';
import { BUDGET_MS, CELLS, exitWords, FAULTS, FLAVOURS, PHASES, platformOf, TARGETS, UNDELAYED_MS, withinMs } from './fault_matrix.mjs';

const KILL_MS = 500; // what it takes the platform to end who is left
const LATE_MS = 480; // beyond that the machine gave nobody the time to say what became of held work
const UNSAID = ['expired', 'held'];
const AT_ONCE = 8; // most of them wait for a stopped process

const nameOf = ({ flavour, target, fault, phase }) => `${target}, ${FAULTS[fault]}, ${phase}${flavour === 'external' ? ', external' : ''}`;
const playable = CELLS.filter(({ outcome }) => outcome !== 'impossible');
const sample = ({ fault }, index) => fault === 'kill' || (fault === 'exit-0' && index % 3 === 0) || (fault === 'stop' && index % 7 === 0);
const chosen = playable
  .filter((cell, index) => process.env.PROOF_CELLS === 'all' || sample(cell, index))
  .filter((cell) => nameOf(cell).includes(process.env.PROOF_ONLY ?? ''));
const seen = [];

// Only who may trace processes that are not his own children can make them exit.
const cannotExit = await (async () => {
  const sleeper = spawn('sleep', ['60']);
  const fault = await inflict('exit-1', sleeper.pid).catch((error) => error);
  sleeper.kill();
  return fault instanceof Error ? `cannot be played here: ${fault.message}` : false;
})();

function judgeCaller(cell, { how, text, requestId, platform, callerMs }) {
  const { expected, flavour, target, phase } = cell;
  assert.equal(how, expected.caller, `the caller got ${text}`);
  assert.equal(platform, platformOf(cell), 'what the platform says');
  if (how === 'answer' && platform !== 'shutdown') assert.deepEqual(JSON.parse(text), { answered: requestId });
  if (how === 'failure') {
    const { errorType, errorMessage } = JSON.parse(text);
    assert.deepEqual([errorType, errorMessage], [platform, `RequestId: ${requestId} Error: ${exitWords(cell)}`]);
  }
  const waits = target === 'extension' && ['handling', 'streaming', 'answered'].includes(phase);
  if (waits && how === 'answer') assert.ok(callerMs <= UNDELAYED_MS, `the answer took ${callerMs} ms`);
}

function judgeTasks({ expected }, { tasks, wrong, platform, ended, log }) {
  assert.deepEqual(wrong, []);
  const replaced = log.some((line) => line.includes('the extension ended (it did not answer) and is replaced'));
  for (const [name, ends] of Object.entries({ ...expected.tasks, ...(replaced && expected.replaced) })) {
    const late = name === 'before' && platform === 'shutdown' && ended.durationMs > LATE_MS;
    const allowed = late ? UNSAID : [ends].flat();
    assert.ok(allowed.includes(tasks[name] ?? null), `${name}: ${tasks[name] ?? 'not accepted'}, expected ${ends}`);
  }
}

function judge(cell, result) {
  judgeCaller(cell, result);
  judgeTasks(cell, result);
  assert.deepEqual(result.left, [], 'processes that are left');
  if (result.platform === 'shutdown') {
    assert.ok(result.ended.durationMs <= BUDGET_MS[cell.flavour] + KILL_MS, `shut down in ${result.ended.durationMs} ms`);
  } else {
    assert.ok(result.ms <= withinMs(cell), `it took ${result.ms} ms`);
    assert.deepEqual(result.ended.leftovers, []);
  }
}

describe('the fault matrix', { concurrency: AT_ONCE }, () => {
  for (const cell of chosen) {
    const skip = cell.fault.startsWith('exit') && cannotExit;
    it(nameOf(cell), { timeout: 60_000, skip }, async (t) => {
      const result = await play(t, cell);
      seen.push({ cell, result });
      try {
        judge(cell, result);
      } catch (error) {
        console.log(`${nameOf(cell)}:\n  ${result.log.join('\n  ')}`);
        throw error;
      }
    });
  }

  after(() => {
    const slowest = seen.reduce((most, { result }) => Math.max(most, result.ms), 0);
    const states = seen.flatMap(({ result }) => Object.values(result.tasks));
    const counts = Object.entries(count(new Map(states.entries()))).map(([state, number]) => `${state} ${number}`);
    console.log(`fault matrix: ${seen.length} of ${playable.length} cells played (${CELLS.length - playable.length} of ${CELLS.length} cannot be); ` +
      `${states.length} tasks accepted in the invocations that were hit (${counts.join(', ')}); ` +
      `slowest ${Math.round(slowest)} ms from fault to the end of the next invocation; ` +
      `${seen.reduce((sum, { result }) => sum + result.toldTwice, 0)} ends told twice`);
  });
});

it('is the table of docs/FAULTS.md', () => {
  assert.equal(readFileSync(PAGE, 'utf8'), page(), 'node tests/proof/fault_page.mjs writes it');
});

it('names every phase, target and fault of each flavour', () => {
  const ends = Object.keys(PHASES).filter((phase) => phase !== 'shutdown, last'); // which the external flavour has alone
  const count = (flavour) => CELLS.filter((cell) => cell.flavour === flavour).length;
  const each = Object.keys(TARGETS).length * Object.keys(FAULTS).length;
  assert.deepEqual(Object.keys(FLAVOURS).map(count), [ends.length * each, Object.keys(PHASES).length * each]);
});
