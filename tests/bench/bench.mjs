// make bench: plays every experiment, prints the targets, writes report.json and report.html.
//   bench.mjs [--quick] [--only EXPERIMENT]...
// --quick: a few rounds of everything, for the test of the benchmark itself; its figures say little.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { machine } from './machine.mjs';
import { PLOTS } from './plots.mjs';
import { page } from './report_page.mjs';
import { table } from './report_table.mjs';

const EXPERIMENTS = ['invocation', 'throughput', 'first_byte', 'deferred_work', 'init_and_memory', 'task_kinds', 'scaling'];

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } } });
const chosen = options.only ?? EXPERIMENTS;
const unknown = chosen.find((name) => !EXPERIMENTS.includes(name));
if (unknown) {
  console.error(`bench: --only ${unknown}: expected one of ${EXPERIMENTS.join(', ')}`);
  process.exit(2);
}

const report = { machine: machine(), date: new Date().toISOString().slice(0, 10), quick: options.quick, targets: [], experiments: {} };
const sections = [];
for (const name of chosen) {
  const { title, measure } = await import(`./experiments/${name}.mjs`);
  console.error(`bench: ${title}`);
  const { rows, data } = await measure(options);
  report.targets.push(...rows);
  report.experiments[name] = data;
  sections.push({ title, plots: await PLOTS[name](data) });
}

const folder = process.env.POSTLUDE_REPORTS;
mkdirSync(folder, { recursive: true });
writeFileSync(path.join(folder, 'report.json'), `${JSON.stringify(report, null, 1)}\n`);
writeFileSync(path.join(folder, 'report.html'), page(report, sections));
console.log(table(report.targets));
console.log(`bench: ${path.join(folder, 'report.json')} and report.html`);
