// Who is measured: one runtime client, reached in different ways.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BENCH, MeasuringProcess } from './measuring_process.mjs';
import { children, cpuNs, forgetPeak, peakBytes, proportionalBytes } from './process_figures.mjs';

const SHIM = path.join(process.env.POSTLUDE_LAYER, 'postlude');
export const RUNTIME = [BENCH, 'runtime'];
const EXTENSION = 'postlude-extens'; // as far as the kernel keeps its name

const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

const temporaryFolder = (below) => mkdtempSync(path.join(below, 'postlude-bench-'));

export class Contestant {
  #folder = temporaryFolder(os.tmpdir());
  #spool;
  #platform;
  #argv;
  #polls;
  #pids = [];

  // `polls`: how many of runtimes and of extensions are parked when it is idle. `tasks`: made of the name of the
  // socket that `postlude-bench task` tells its end to. `spoolBelow`: the folder whose file system has the spool.
  constructor(name, argv, { polls = [1, 0], tasks, env = {}, spoolBelow = os.tmpdir() } = {}) {
    this.name = name;
    this.#spool = temporaryFolder(spoolBelow);
    this.#argv = argv;
    this.#polls = polls;
    this.#platform = new MeasuringProcess(this.#folder, (socket) => ({
      AWS_LAMBDA_FUNCTION_NAME: 'bench',
      AWS_LAMBDA_LOG_STREAM_NAME: `bench/${path.basename(this.#folder)}`,
      LAMBDA_TASK_ROOT: this.#folder,
      POSTLUDE_SPOOL_DIR: this.#spool,
      ...(tasks ? { POSTLUDE_TASKS: JSON.stringify(tasks(socket)) } : {}),
      ...env,
    }));
  }

  // From before the start to the runtime's first poll, in nanoseconds. Ready when all polls are parked.
  async start() {
    const { pid } = await this.#platform.command('start', ...this.#argv);
    const { initNs } = await this.#platform.command('parked', ...this.#polls);
    const extension = children(pid).find(({ name }) => name === EXTENSION);
    this.#pids = extension ? [pid, extension.pid] : [pid];
    return initNs;
  }

  // So many invocations, as bench_roles.h describes them. Beside its lists: `cpuNs` of the processes between
  // platform and runtime, all invocations together.
  async batch(asked) {
    const before = this.#cpu();
    const times = await this.#platform.command('batch', ...Object.entries(asked).map(([key, number]) => `${key}=${number}`));
    return { ...times, cpuNs: this.#cpu() - before };
  }

  #cpu() {
    return sum(this.#pids.map(cpuNs));
  }

  // Of what runs between platform and runtime: the shim, or whatever is there instead, and the extension.
  get processes() {
    const [between, extension] = this.#pids;
    return { between, extension };
  }

  // Of shim and extension together.
  get proportionalBytes() {
    return sum(this.#pids.map(proportionalBytes));
  }

  get peakBytes() {
    return sum(this.#pids.map(peakBytes));
  }

  forgetPeak() {
    this.#pids.forEach(forgetPeak);
  }

  async stop() {
    await this.#platform.command('stop');
  }

  async end() {
    await this.#platform.end();
    [this.#folder, this.#spool].forEach((folder) => rmSync(folder, { recursive: true, force: true }));
  }
}

export const direct = (options) => new Contestant('direct', RUNTIME, options);
export const relayed = (options) => new Contestant('relay', [BENCH, 'relay', ...RUNTIME], options);
export const postlude = (options) => new Contestant('postlude', [SHIM, ...RUNTIME], { polls: [1, 1], ...options });
// Another runtime client, with Postlude in front of it or not.
export const program = (name, argv, options) => new Contestant(name, argv, options);
export const behindPostlude = (name, argv, options) => new Contestant(name, [SHIM, ...argv], { polls: [1, 1], ...options });

// The command of a task that does nothing but tell its end.
export const telling = (socket) => [BENCH, 'task', socket];

// Starts them, lets each serve so many invocations that everything is warm, and ends them whatever happens.
export async function withContestants(contestants, play, { warmUp = { invocations: 50 } } = {}) {
  try {
    for (const contestant of contestants) {
      await contestant.start();
      await contestant.batch(warmUp);
    }
    return await play();
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.end()));
  }
}
