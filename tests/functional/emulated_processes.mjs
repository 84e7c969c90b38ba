// The processes that the emulator keeps, as the kernel shows them.
import { readdirSync, readFileSync } from 'node:fs';

// {pid, parent, name} of every process that there is right now.
function* processes() {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const [, name, rest] = /\((.*)\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'));
      yield { pid: Number(pid), name, parent: Number(rest.split(' ')[1]) };
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') { // those: it has ended meanwhile
        throw error;
      }
    }
  }
}

// The process of that name (its first 15 bytes) below `ancestor`.
export function processOf(ancestor, name) {
  const all = new Map([...processes()].map((one) => [one.pid, one]));
  const below = (one) => one !== undefined && (one.parent === ancestor || below(all.get(one.parent)));
  const found = [...all.values()].filter((one) => one.name === name && below(one));
  if (found.length !== 1) {
    throw new Error(`${found.length} processes ${name} below ${ancestor}`);
  }
  return found[0].pid;
}

// A figure of /proc/<pid>/status in bytes, such as "VmHWM", the most memory it ever had.
export function memory(pid, figure) {
  const line = readFileSync(`/proc/${pid}/status`, 'latin1').match(new RegExp(`^${figure}:\\s+(\\d+) kB$`, 'm'));
  return Number(line[1]) * 1024;
}
