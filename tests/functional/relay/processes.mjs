// Programs under the shim, and whether a process lives.
import fs from 'node:fs';
import path from 'node:path';
import { within } from './patience.mjs';
import { bareLayer, environment, Program } from './shim.mjs';

// `command` as the runtime of a function with the layer.
export function run(t, platform, command, { env, ...options } = {}) {
  return new Program(t, path.join(bareLayer, 'postlude'), command, {
    env: environment(platform, env),
    ...options,
  });
}

// Gone, or a zombie that somebody else has to reap.
export function alive(pid) {
  try {
    return !/^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

export async function gone(pid) {
  await within(
    (async () => {
      while (alive(pid)) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    })(),
    `the end of process ${pid}`,
  );
}
