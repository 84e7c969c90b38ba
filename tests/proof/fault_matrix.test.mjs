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
import { CELLS, exitWords, FAULTS, PHASES, TARGETS, UNDELAYED_MS, WITHIN_MS } from './fault_matrix.mjs';

const SHUTDOWN_MS = 500; // of environments with an internal extension
const KILL_MS = 500; // what it takes the platform to end who is left
const LATE_MS = 480; // beyond that the machine gave nobody the time to say what became of held work
const UNSAID = ['expired', 'dropped', 'held'];
const AT_ONCE = 8; // most of them wait for a stopped process

const nameOf = ({ target, fault, phase }) => `${target}, ${FAULTS[fault]}, ${phase}`;
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

function judge(cell, result) {
  const { expected, fault, target, phase } = cell;
  assert.equal(result.how, expected.caller, `the caller got ${result.text}`);
  if (result.how === 'answer' && phase !== 'shutdown') assert.deepEqual(JSON.parse(result.text), { answered: result.requestId });
  if (result.how === 'failure') {
    const { errorType, errorMessage } = JSON.parse(result.text);
    assert.deepEqual([errorType, errorMessage], [expected.platform, `RequestId: ${result.requestId} Error: ${exitWords(fault)}`]);
  }
  assert.equal(result.platform, expected.platform, 'what the platform says');
  assert.deepEqual(result.wrong, []);
  for (const [name, ends] of Object.entries(expected.tasks)) {
    const late = name === 'before' && phase === 'shutdown' && result.ended.durationMs > LATE_MS;
    const allowed = late ? UNSAID : [ends].flat();
    assert.ok(allowed.includes(result.tasks[name] ?? null), `${name}: ${result.tasks[name] ?? 'not accepted'}, expected ${ends}`);
  }
  assert.deepEqual(result.left, [], 'processes that are left');
  if (phase === 'shutdown') {
    assert.ok(result.ended.durationMs <= SHUTDOWN_MS + KILL_MS, `shut down in ${result.ended.durationMs} ms`);
  } else {
    assert.ok(result.ms <= WITHIN_MS[fault], `it took ${result.ms} ms`);
    assert.deepEqual(result.ended.leftovers, []);
  }
  if (target === 'extension' && ['handling', 'streaming', 'answered'].includes(phase)) assert.ok(result.callerMs <= UNDELAYED_MS, `the answer took ${result.callerMs} ms`);
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

it('names every phase, target and fault', () => {
  assert.equal(CELLS.length, Object.keys(PHASES).length * Object.keys(TARGETS).length * Object.keys(FAULTS).length);
});
