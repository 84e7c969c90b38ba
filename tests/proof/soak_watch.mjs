// Memory, descriptors and files of an environment over the time of a soak.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const KIB = 1024;

// In bytes: the process's share of what is resident (proportional set size).
function share(pid) {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))[1]) * KIB;
}

const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

export class Watch {
  samples = []; // {shim: {pid, bytes, descriptors}, extension: the same, files, spooled: bytes}

  // `pids` is {shim, extension}; one that has just ended makes no sample.
  take(pids, spool, files) {
    try {
      const of = (pid) => ({ pid, bytes: share(pid), descriptors: descriptors(pid) });
      const spooled = files.reduce((sum, file) => sum + statSync(path.join(spool, file)).size, 0);
      this.samples.push({ shim: of(pids.shim), extension: of(pids.extension), files: files.length, spooled });
    } catch (error) {
      if (!['ENOENT', 'ESRCH'].includes(error.code) && !(error instanceof TypeError)) throw error;
    }
  }

  // {early, late} medians of a figure: of the second tenth of the samples (the first one warms up) and the last.
  drift(figure) {
    const tenth = Math.max(1, Math.floor(this.samples.length / 10));
    const median = (list) => list.map(figure).sort((left, right) => left - right)[Math.floor(list.length / 2)];
    return { early: median(this.samples.slice(tenth, 2 * tenth)), late: median(this.samples.slice(-tenth)) };
  }

  most(figure) {
    return Math.max(...this.samples.map(figure));
  }
}
