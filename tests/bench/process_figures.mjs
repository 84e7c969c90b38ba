// What the kernel counts of a process. Linux only.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

// Nanoseconds on a CPU, all threads that live. A thread's share is lost with it: none ends on the paths measured.
export function cpuNs(pid) {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]))
    .reduce((sum, part) => sum + part, 0);
}

const kib = (text, key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text)[1]);

// Proportional set size, bytes.
export const proportionalBytes = (pid) => kib(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'), 'Pss') * 1024;

// Most resident bytes since the process began, or since forgetPeak.
export const peakBytes = (pid) => kib(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmHWM') * 1024;
export const forgetPeak = (pid) => writeFileSync(`/proc/${pid}/clear_refs`, '5');

// The processes that `pid` has started and that live, [{pid, name}]; the name as far as the kernel keeps it.
export function children(pid) {
  const pids = readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
    .filter(Boolean).map(Number);
  return pids.map((child) => ({ pid: child, name: readFileSync(`/proc/${child}/comm`, 'utf8').trim() }));
}
