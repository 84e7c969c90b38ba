// Memory, descriptors and files of an environment over the time of a soak.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const KIB = 1024;

// In bytes: the process's share of what is resident (proportional set size).
function share(pid) {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))[1]) * KIB;
}

const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

export const median = (list) => [...list].sort((left, right) => left - right)[Math.floor(list.length / 2)];
// What is there when nothing is at work: samples come at any time, and work has descriptors and files.
export const least = (list) => Math.min(...list);

export class Watch {
  samples = []; // {shim: {pid, bytes, descriptors}, extension: the same, files, spooled: bytes}

  #before = {};

  // `pids` is {shim, extension}; one that has just begun or ended makes no sample.
  take(pids, spool, files) {
    const before = this.#before;
    this.#before = pids;
    if (pids.shim !== before.shim || pids.extension !== before.extension) return;
    try {
      const of = (pid) => ({ pid, bytes: share(pid), descriptors: descriptors(pid) });
      const spooled = files.reduce((sum, file) => sum + statSync(path.join(spool, file)).size, 0);
      this.samples.push({ shim: of(pids.shim), extension: of(pids.extension), files: files.length, spooled });
    } catch (error) {
      if (!['ENOENT', 'ESRCH'].includes(error.code) && !(error instanceof TypeError)) throw error;
    }
  }

  // {early, late} of a figure: `of` the samples from 10 to 30 % of the time (before, it warms up) and of the last
  // 30 %.
  drift(figure, of) {
    const part = (from, to) => this.samples.slice(Math.floor(this.samples.length * from), Math.ceil(this.samples.length * to)).map(figure);
    return { early: of(part(0.1, 0.3)), late: of(part(0.7, 1)) };
  }

  most(figure) {
    return Math.max(...this.samples.map(figure));
  }
}
