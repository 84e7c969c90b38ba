// docs/FAULTS.md from fault_matrix.mjs: `node tests/proof/fault_page.mjs` writes it.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CELLS, FAULTS, FLAVOURS, PHASES, TARGETS } from './fault_matrix.mjs';
import { DEATH, OUTCOMES } from './fault_outcomes.mjs';

export const PAGE = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'FAULTS.md');

const row = (...cells) => `| ${cells.join(' | ')} |`;
const called = ({ outcome, why }) => (why === null ? outcome : `— (${why})`);

const phasesOf = (flavour) => Object.keys(PHASES).filter((phase) => CELLS.some((cell) => cell.phase === phase && cell.flavour === flavour));

function tableOf(flavour, phase) {
  const cells = CELLS.filter((cell) => cell.phase === phase && cell.flavour === flavour);
  const rows = Object.entries(TARGETS).map(([target, name]) => {
    const outcomes = Object.keys(FAULTS).map((fault) => called(cells.find((cell) => cell.target === target && cell.fault === fault)));
    return new Set(outcomes).size === 1 && outcomes[0].startsWith('—') ? row(name, outcomes[0], '', '', '') : row(name, ...outcomes);
  });
  return [`### ${PHASES[phase][0].toUpperCase()}${PHASES[phase].slice(1)}`, '',
    row('hit is', ...Object.values(FAULTS)), row('---', '---', '---', '---', '---'), ...rows, ''];
}

const ABOUT = {
  internal: 'The shim is the parent of the extension, and replaces it.',
  external: 'The platform started the extension before the shim: any end of it is the end of the environment, nobody replaces it, and it outlives the shim. When the environment ends, the runtime does first.',
};
const sectionOf = (flavour) => [`## With ${FLAVOURS[flavour]}`, '', ABOUT[flavour], '', ...phasesOf(flavour).flatMap((phase) => tableOf(flavour, phase))];

const ENDS = { caller: { answer: 'the answer', failure: "the platform's error", cut: 'a stream that breaks off' } };
const endOf = (ends) => [ends].flat().map((end) => end ?? 'not accepted').join(' or ');
const tasksOf = (tasks) => Object.entries(tasks).map(([name, ends]) => `\`${name}\` ${endOf(ends)}`).join(', ');
const endsOf = ({ tasks, replaced }) => tasksOf(tasks) + (replaced ? `; if it is replaced: ${tasksOf(replaced)}` : '');
const saidOf = (platform) => (platform === DEATH ? 'Runtime.ExitError; if it was the extension, Extension.Crash' : platform);

function outcomesOf() {
  return Object.entries(OUTCOMES).filter(([, { caller }]) => caller).map(([name, outcome]) =>
    row(`**${name}**`, outcome.text, ENDS.caller[outcome.caller], saidOf(outcome.platform), endsOf(outcome)));
}

export function page() {
  return `${[
    '# What happens when a process dies',
    '',
    'Made of `tests/proof/fault_matrix.mjs` by `tests/proof/fault_page.mjs`; `make test-full` plays every cell with real processes in the local Lambda and holds',
    'the program to what stands here. A process is killed, stopped for three seconds, or made to exit, in each phase of an environment, with both flavours of',
    'the layer. The same holds in every cell: no caller is answered twice, every accepted task has ended exactly once or is still held, the next invocation is',
    'answered and its tasks are done, and when the environment ends nothing is left running.',
    '',
    'Every invocation has four tasks: the commands `work` (two attempts) and `once` (`"replay": false`), the call `note`, and `alarm` (`"when": "failure"`).',
    '`before` is work held over from the invocation before, `late` a task with `"when": "timeout"`.',
    '',
    ...Object.keys(FLAVOURS).flatMap(sectionOf),
    '## The outcomes',
    '',
    row('outcome', 'in words', 'the caller gets', 'the platform reports', 'tasks'),
    row('---', '---', '---', '---', '---'),
    ...outcomesOf(),
  ].join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, page());
