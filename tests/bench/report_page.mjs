// report.html: the targets and the plots on one page without scripts, light or dark as the reader has it.
import { cells } from './report_table.mjs';

const escaped = (text) => String(text).replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]);

const STYLE = `
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --faint: #8a939e; --note: #59636e; --grid: #e4e8ec; --met: #1a7f37; --missed: #c02a1f;
  --series-1: #2f6fb5; --series-2: #d9822b; --series-3: #3a9a6b; --series-4: #9356b3; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181d; --ink: #e3e8ee; --faint: #7f8a96; --note: #9aa5b1; --grid: #2b323a; --met: #4cc168; --missed: #ff7b6b;
    --series-1: #6aa9ee; --series-2: #f0a35a; --series-3: #5cc793; --series-4: #c08be0; }
}
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
.met { color: var(--met); } .missed { color: var(--missed); font-weight: 600; }
.note { color: var(--note); font-size: .85rem; } figure { margin: 1rem 0; } figcaption { margin-bottom: .4rem; } svg { max-width: 100%; height: auto; }
`;

const line = (target) => {
  const { name, value, limit, range, verdict } = cells(target);
  const note = target.note ? `<div class="note">${escaped(target.note)}</div>` : '';
  return `<tr><td>${escaped(name)}${note}</td><td class="number">${escaped(value)}</td><td class="number">${escaped(limit)}</td>`
    + `<td class="number">${escaped(range)}</td><td class="${verdict}">${verdict}</td></tr>`;
};

const figure = ({ caption, svg }) => `<figure><figcaption>${escaped(caption)}</figcaption>${svg}</figure>`;

// `sections`: [{title, plots: [{caption, svg}]}]
export function page({ machine, date, targets }, sections) {
  const { processor, cores, memoryGiB, system, kernel } = machine;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>What Postlude costs</title>
<style>${STYLE}</style></head><body>
<h1>What Postlude costs</h1>
<p>${escaped(processor)}, ${cores} cores, ${memoryGiB} GiB, ${escaped(system)}, Linux ${escaped(kernel)}; ${escaped(date)}. Everything runs on one CPU.</p>
<table><thead><tr><th>target</th><th>measured</th><th>limit</th><th>range</th><th>verdict</th></tr></thead>
<tbody>${targets.map(line).join('\n')}</tbody></table>
${sections.map(({ title, plots }) => `<h2>${escaped(title[0].toUpperCase() + title.slice(1))}</h2>\n${plots.map(figure).join('\n')}`).join('\n')}
</body></html>
`;
}
