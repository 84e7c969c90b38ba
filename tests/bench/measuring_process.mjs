// The played platform (bench_roles.h), and through it one contestant. All on one CPU, as a function below 1,769 MB has
// it: the order of what runs is then the same in every round, and no figure hides work on another core.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

export const BENCH = process.env.POSTLUDE_BENCH;
const CPU = '0';

let number = 0;

export class MeasuringProcess {
  #process;
  #closed;
  #lines;
  #log;

  // `folder`: for what the contestant prints. `environment`: more variables of the contestant, made of the name of
  // the socket that `postlude-bench task` tells its end to.
  constructor(folder, environment) {
    number += 1;
    const socket = `postlude-bench-${process.pid}-${number}`;
    this.#log = path.join(folder, `output-${number}`);
    const log = openSync(this.#log, 'a');
    this.#process = spawn('taskset', ['-c', CPU, BENCH, 'platform', socket], {
      env: { PATH: process.env.PATH, ...environment(socket) }, stdio: ['pipe', 'pipe', log],
    });
    closeSync(log);
    this.#closed = once(this.#process, 'close');
    this.#process.stdin.on('error', () => {}); // it has ended, as the missing answer says
    this.#lines = readline.createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  // One command of bench_roles.h; its answer, parsed.
  async command(...words) {
    this.#process.stdin.write(`${words.join(' ')}\n`);
    const { value, done } = await this.#lines.next();
    const answer = done ? { error: `${words.join(' ')}: the platform has ended` } : JSON.parse(value);
    if (answer.error) {
      throw new Error(`${answer.error}\n${this.output().slice(-4000)}`);
    }
    return answer;
  }

  // What the contestant has printed.
  output() {
    return readFileSync(this.#log, 'utf8');
  }

  async end() {
    this.#process.stdin.end();
    await this.#closed;
  }
}
