// One environment of the local Lambda with the actors of the proofs: its processes, what can be done to them,
// and what was seen of it.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { promisify } from 'node:util';
import { LocalLambda } from '../demo/local_lambda.mjs';
import { recordsOf, spoolFiles } from './accounting.mjs';
import { Stage } from './stage.mjs';

const run = promisify(execFile);
const bin = (name) => path.join(process.env.POSTLUDE_BIN_DIR, name);
export const ACTOR = bin('proof-actor');
export const STOP_MS = 3000;
const PATIENCE_MS = 10_000; // of what takes milliseconds
export const EXTENSION = 'postlude-extens'; // as far as the kernel keeps its name

const LAYERS = {
  internal: process.env.POSTLUDE_LAYER_DIR,
  external: `${process.env.POSTLUDE_LAYER_DIR}-external`,
};

// A task whose command asks the stage at the place "task".
export const actorTask = (name, more = {}) => ({ name, command: [ACTOR, 'task'], ...more });

let number = 0;

export class Environment {
  #spool = mkdtempSync(path.join(os.tmpdir(), 'postlude-proof-'));
  #mark;
  #address = null;
  #flavour;

  static async start({ tasks, flavour = 'internal', env = {}, options = [] }) {
    const environment = new Environment();
    environment.stage = await Stage.start();
    environment.#flavour = flavour;
    environment.#start(tasks, env, options);
    return environment;
  }

  #start(tasks, env, options) {
    number += 1;
    this.#mark = `PROOF_MARK=${process.pid}.${number}`;
    this.lambda = new LocalLambda(
      path.dirname(ACTOR),
      {
        AWS_LAMBDA_EXEC_WRAPPER: '/opt/postlude',
        POSTLUDE_SPOOL_DIR: this.#spool,
        POSTLUDE_TASKS: JSON.stringify(tasks),
        PROOF_STAGE: this.stage.port,
        PROOF_MARK: this.#mark.split('=')[1],
        ...env,
      },
      ['--admission-wait', '60s', ...options],
      `${ACTOR} runtime`,
      [],
      LAYERS[this.#flavour],
    );
  }

  async #started(name, nth) {
    const { pid } = await this.lambda.entry(({ event, process }) => event === 'processStarted' && process === name, nth);
    return pid;
  }

  // The processes of the nth generation. The runtime has one as soon as it asked at "init".
  async shim(nth = 1) {
    return this.#started('runtime', nth);
  }

  // The shim of the newest generation.
  async shimNow() {
    return this.shim(Math.max(1, this.lambda.entries(({ event, process }) => event === 'processStarted' && process === 'runtime').length));
  }

  async extension(nth = 1) {
    return this.#flavour === 'external' ? this.#started('postlude', nth) : childOf(await this.shim(nth), EXTENSION);
  }

  async runtime(nth = 1) {
    return (await this.stage.arrival(({ place }) => place === 'init', nth)).pid;
  }

  // By the Invoke API. {status, failure, text, requestId, ms}
  async invoke(event = {}) {
    this.#address ??= new URL('/2015-03-31/functions/function/invocations', (await this.lambda.event('listening')).invoke);
    const began = performance.now();
    const response = await fetch(this.#address, {
      method: 'POST', body: JSON.stringify(event),
    });
    const text = await response.text();
    return {
      status: response.status,
      failure: response.headers.get('x-amz-function-error'),
      requestId: response.headers.get('x-amzn-requestid'),
      text,
      ms: performance.now() - began,
    };
  }

  // By the Function URL: as invoke(), and `first` when the first byte is there.
  async stream(event) {
    const { url } = await this.lambda.event('listening');
    const response = await fetch(url, { method: 'POST', headers: { 'x-moves': event.moves } });
    const reader = response.body.getReader();
    const parts = [Buffer.from((await reader.read()).value ?? [])];
    const rest = async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(Buffer.from(part.value));
      return { status: response.status, failure: null, text: Buffer.concat(parts).toString() };
    };
    const end = rest().catch(() => ({ status: response.status, failure: 'cut', text: Buffer.concat(parts).toString() }));
    return { requestId: response.headers.get('x-amzn-requestid'), end };
  }

  get spool() {
    return this.#spool;
  }

  records() {
    return recordsOf(this.#spool);
  }

  spoolFiles() {
    return spoolFiles(this.#spool);
  }

  // By the variable that all its processes inherit.
  owns(pid) {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(this.#mark);
    } catch {
      return false; // it has ended, or is somebody else's
    }
  }

  // Those that there are right now.
  processes() {
    return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => this.owns(pid));
  }

  // The platform's end of it. Returns who was left when it was over.
  async end() {
    await this.lambda.stop();
    return this.processes();
  }

  // The same, with nobody held back.
  async stop() {
    this.stage.releaseAll();
    return this.end();
  }

  clean() {
    this.stage.stop();
    rmSync(this.#spool, { recursive: true, force: true });
  }
}

const stateOf = (pid) => {
  try {
    return /\((.*)\) (.)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return null; // it is gone
  }
};
const lives = (pid) => !['Z', 'X', undefined].includes(stateOf(pid)?.[2]);

// The living child of that name, undefined without one.
export function childNow(parent, name) {
  try {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1').split(' ').filter(Boolean);
    return children.map(Number).find((pid) => stateOf(pid)?.[1] === name && lives(pid));
  } catch {
    return undefined; // the parent is gone
  }
}

// The same, now or as soon as there is one.
export async function childOf(parent, name) {
  for (const limit = Date.now() + PATIENCE_MS; Date.now() < limit; await after(1)) {
    const found = childNow(parent, name);
    if (found !== undefined) return found;
  }
  throw new Error(`no process ${name} below ${parent}`);
}

// An exit of a process takes a moment after the signal or the call.
async function gone(pid) {
  for (const limit = Date.now() + PATIENCE_MS; lives(pid) && Date.now() < limit;) await after(1);
}

// Its parent knows of its end.
export async function reaped(pid) {
  for (const limit = Date.now() + PATIENCE_MS; stateOf(pid) !== null && Date.now() < limit;) await after(1);
}

export function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // it was ended as one that hangs
  }
}

// Does that to the process; `over` settles when it is through with it.
export async function inflict(fault, pid) {
  switch (fault) {
    case 'kill':
      signal(pid, 'SIGKILL');
      await gone(pid);
      return { over: null };
    case 'stop':
      signal(pid, 'SIGSTOP');
      return { over: after(STOP_MS).then(() => signal(pid, 'SIGCONT')) };
    case 'exit-0':
    case 'exit-1':
      await run(bin('make-exit'), [String(pid), fault.slice(-1)], { timeout: 10_000 }).catch((error) => {
        if (lives(pid)) throw error; // else its time was over before that of make-exit came
      });
      await gone(pid);
      return { over: null };
    default:
      throw new Error(`no such fault: ${fault}`);
  }
}
