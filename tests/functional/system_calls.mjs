// What processes cost the kernel while something is played: counted, not timed, so that the figures are the same on
// every machine. Linux only; one at a time, because a process has one tracer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

// Of these the result is a number of bytes that went between the process and the kernel.
const COPIES = new Set(['read', 'readv', 'pread64', 'recvfrom', 'recvmsg', 'write', 'writev', 'pwrite64', 'sendto', 'sendmsg']);

const threadsOf = (pid) => readdirSync(`/proc/${pid}/task`);

// How often its threads have slept until now, each of them woken once.
const sleeps = (pid) => threadsOf(pid)
  .map((thread) => Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))[1]))
  .reduce((sum, part) => sum + part, 0);

// {name: how often it woke up} of {name: pid}, while `play` runs.
export async function wakeUps(processes, play) {
  const before = Object.values(processes).map(sleeps);
  await play();
  return Object.fromEntries(Object.entries(processes).map(([name, pid], index) => [name, sleeps(pid) - before[index]]));
}

// strace's lines of one thread: "name(arguments) = result".
function counted(text) {
  const counts = { calls: 0, bytes: 0, names: {} };
  for (const line of text.split('\n')) {
    const [, name, result] = /^(\w+)\(.*\)\s+= (-?\d+)/.exec(line) ?? [];
    if (name) {
      counts.calls += 1;
      counts.names[name] = (counts.names[name] ?? 0) + 1;
      counts.bytes += COPIES.has(name) ? Math.max(0, Number(result)) : 0;
    }
  }
  return counts;
}

const together = (parts) => parts.reduce((sum, part) => ({
  calls: sum.calls + part.calls,
  bytes: sum.bytes + part.bytes,
  names: Object.entries(part.names).reduce((names, [name, count]) => ({ ...names, [name]: (names[name] ?? 0) + count }), sum.names),
}), { calls: 0, bytes: 0, names: {} });

// {name: {calls, bytes, names: {system call: how often}}} of {name: pid}, while `play` runs. Threads that begin
// meanwhile count; processes that are started do not. `bytes`: read and written.
export async function systemCalls(processes, play) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'postlude-trace-'));
  const pids = Object.values(processes);
  const strace = spawn('strace', ['-f', '-ff', '-s', '0', '-o', path.join(folder, 'of'), ...pids.flatMap((pid) => ['-p', String(pid)])],
    { stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = once(strace, 'close');
  let attached = 0;
  for await (const line of readline.createInterface({ input: strace.stderr })) {
    attached += pids.some((pid) => line.includes(`Process ${pid} attached`)) ? 1 : 0;
    if (attached === pids.length) {
      break;
    }
  }
  try {
    if (attached < pids.length) {
      throw new Error('strace could not attach');
    }
    strace.stderr.resume();
    await play();
    const threads = Object.entries(processes).map(([name, pid]) => [name, threadsOf(pid)]);
    strace.kill('SIGINT');
    await closed;
    const texts = (all) => all.filter((thread) => readdirSync(folder).includes(`of.${thread}`))
      .map((thread) => readFileSync(path.join(folder, `of.${thread}`), 'utf8'));
    return Object.fromEntries(threads.map(([name, all]) => [name, together(texts(all).map(counted))]));
  } finally {
    strace.kill('SIGINT');
    rmSync(folder, { recursive: true, force: true });
  }
}
