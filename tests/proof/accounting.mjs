// What became of tasks, by what a reader of the log and of the spool folder can see (contract.md 4.3):
// accepted = done + failed + spilled + expired + dropped + held.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ENDS = ['done', 'failed', 'spilled', 'expired', 'dropped'];
const MARKS = { d: 'done', f: 'failed', x: 'spilled', e: 'expired', p: 'dropped' }; // of records that no receipt told of yet

const isReceipt = (line) => line.startsWith('{"postlude":"receipt"');

// Every receipt of the log in order; the parts of a long one are receipts of their own.
export const receiptsOf = (lines) => lines.filter(isReceipt).map((line) => JSON.parse(line));

// The files below the spool folder, as paths from there.
export function spoolFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(path.relative(folder, entry.path), entry.name));
}

// {id, state, attempts, interruptions, file} of each record: `held`, or the end that no receipt told of.
export function recordsOf(folder) {
  return spoolFiles(folder)
    .map((file) => [file, /(\d+)-(\d+)-([qrsdfxep])\.task$/.exec(file)])
    .filter(([, name]) => name !== null)
    .map(([file, [, attempts, interruptions, mark]]) => ({
      file,
      id: JSON.parse(readFileSync(path.join(folder, file), 'utf8')).id,
      state: MARKS[mark] ?? 'held',
      attempts: Number(attempts),
      interruptions: Number(interruptions),
    }));
}

export class Accounting {
  ends = new Map(); // by id: the states of its receipts that are ends
  attempts = new Map(); // by id: what its last receipt said
  whys = new Map();

  add(receipts) {
    for (const { tasks } of receipts) {
      for (const { id, state, attempts, why } of tasks) {
        this.attempts.set(id, attempts);
        this.whys.set(id, why);
        if (ENDS.includes(state)) this.ends.set(id, [...(this.ends.get(id) ?? []), state]);
      }
    }
    return this;
  }

  // {id: end or "held"} of all accepted ids, and what is wrong with them.
  settle(accepted, records) {
    const held = new Map(records.map(({ id, state }) => [id, state]));
    const states = new Map();
    const wrong = [];
    for (const id of accepted) {
      const told = new Set(this.ends.get(id) ?? []);
      if (told.size > 1) wrong.push(`${id} ended as ${[...told].join(' and as ')}`);
      if (told.size === 0 && !held.has(id)) wrong.push(`${id} is lost`);
      states.set(id, [...told][0] ?? held.get(id) ?? 'lost');
    }
    const known = new Set(accepted);
    for (const id of [...this.ends.keys(), ...held.keys()]) {
      if (!known.has(id)) wrong.push(`${id} was never accepted`);
    }
    return { states, wrong };
  }

  // Ids whose end stands in more than one receipt: a process died between a receipt and its records.
  toldTwice() {
    return [...this.ends].filter(([, states]) => states.length > 1).map(([id]) => id);
  }
}

// {done: 3, held: 1, ...}
export function count(states) {
  const counts = Object.fromEntries([...ENDS, 'held', 'lost'].map((state) => [state, 0]));
  for (const state of states.values()) counts[state] += 1;
  return counts;
}
