// The machine that the figures hold for.
import { readFileSync } from 'node:fs';
import os from 'node:os';

export function machine() {
  const release = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.type();
  return {
    processor: os.cpus()[0].model.trim(),
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    system: release,
    architecture: process.arch,
  };
}
