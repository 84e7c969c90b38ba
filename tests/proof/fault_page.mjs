// docs/FAULTS.md from fault_matrix.mjs: `node tests/proof/fault_page.mjs` writes it.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CELLS, FAULTS, OUTCOMES, PHASES, TARGETS } from './fault_matrix.mjs';

export const PAGE = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'FAULTS.md');

const row = (...cells) => `| ${cells.join(' | ')} |`;
const called = ({ outcome, why }) => (why === null ? outcome : `— (${why})`);

function tableOf(phase) {
  const cells = CELLS.filter((cell) => cell.phase === phase);
  const rows = Object.entries(TARGETS).map(([target, name]) => {
    const outcomes = Object.keys(FAULTS).map((fault) => called(cells.find((cell) => cell.target === target && cell.fault === fault)));
    return new Set(outcomes).size === 1 && outcomes[0].startsWith('—') ? row(name, outcomes[0], '', '', '') : row(name, ...outcomes);
  });
  return [`## ${PHASES[phase][0].toUpperCase()}${PHASES[phase].slice(1)}`, '',
    row('hit is', ...Object.values(FAULTS)), row('---', '---', '---', '---', '---'), ...rows, ''];
}

const ENDS = { caller: { answer: 'the answer', failure: "the platform's error", cut: 'a stream that breaks off' } };
const endOf = (ends) => [ends].flat().map((end) => end ?? 'not accepted').join(' or ');
const tasksOf = (tasks) => Object.entries(tasks).map(([name, ends]) => `\`${name}\` ${endOf(ends)}`).join(', ');

function outcomesOf() {
  return Object.entries(OUTCOMES).filter(([, { caller }]) => caller).map(([name, { text, caller, platform, tasks }]) =>
    row(`**${name}**`, text, ENDS.caller[caller], platform, tasksOf(tasks)));
}

export function page() {
  return `${[
    '# What happens when a process dies',
    '',
    'Made of `tests/proof/fault_matrix.mjs` by `tests/proof/fault_page.mjs`; `make test-full` plays every cell with real processes in the local Lambda and holds',
    'the program to what stands here. A process is killed, stopped for three seconds, or made to exit, in each phase of an environment with the internal',
    'extension. The same holds in every cell: no caller is answered twice, every accepted task has ended exactly once or is still held, the next invocation is',
    'answered and its tasks are done, and when the environment ends nothing is left running.',
    '',
    'Every invocation has four tasks: the commands `work` (two attempts) and `once` (`"replay": false`), the call `note`, and `alarm` (`"when": "failure"`).',
    '`before` is work held over from the invocation before, `late` a task with `"when": "timeout"`.',
    '',
    ...Object.keys(PHASES).flatMap(tableOf),
    '## The outcomes',
    '',
    row('outcome', 'in words', 'the caller gets', 'the platform reports', 'tasks'),
    row('---', '---', '---', '---', '---'),
    ...outcomesOf(),
  ].join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, page());
