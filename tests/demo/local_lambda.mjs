// Starts the emulator and follows its log and its journal.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';

const { POSTLUDE_BIN_DIR, POSTLUDE_LAYER_DIR, POSTLUDE_TEST_TOOLS } = process.env;

export class LocalLambda {
  #child;
  #journal = [];
  #followers = [];
  #waiting = [];
  #stopped = null;
  log = [];

  // `folder` is the function's; `env` goes to it; `options` to the emulator; `runtime` is the command that
  // gets the handler's name, AWS's Node.js client unless told otherwise, or a runtime identifier of Lambda. `within` is a
  // command that becomes the one that stands behind it, as `env` or `nice` do.
  constructor(folder, env, options = [], runtime = null, within = [], layer = POSTLUDE_LAYER_DIR, emulator = path.join(POSTLUDE_BIN_DIR, 'postlude-emulator')) {
    const ric = path.join(POSTLUDE_TEST_TOOLS, 'aws-lambda-ric', 'bin', 'index.mjs');
    const named = options.includes('--handler');
    const handler = named ? options[options.indexOf('--handler') + 1] : 'index.handler';
    const args = [
      '--layer', layer, '--function', folder, ...(named ? [] : ['--handler', handler]),
      '--runtime', /^\w+(\.\w+)?$/.test(runtime ?? ' ') ? runtime : `${runtime ?? `${process.execPath} ${ric}`} ${handler}`,
      '--events', '-', '--eager-init', ...(options.includes('--max-environments') ? [] : ['--max-environments', '1']), ...options,
    ];
    for (const [name, value] of Object.entries(env)) {
      args.push('--env', `${name}=${value}`);
    }
    const [program, ...rest] = [...within, emulator, ...args];
    this.#child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child.once('exit', (status) => this.#fail(new Error(`the emulator ended: ${status}`)));
    readline.createInterface(this.#child.stdout).on('line', (line) => this.#take(line));
  }

  // The journal goes to standard output too, between the lines of the log.
  #take(line) {
    if (line.startsWith('{"event":')) {
      this.#journal.push(JSON.parse(line));
      this.#followers.forEach((follow) => follow(this.#journal.at(-1), null));
    } else {
      this.log.push(line);
      this.#followers.forEach((follow) => follow(null, line));
    }
    this.#waiting = this.#waiting.filter((waiter) => !waiter.check());
  }

  #fail(error) {
    this.#waiting.forEach((waiter) => waiter.reject(error));
    this.#waiting = [];
  }

  get pid() {
    return this.#child.pid;
  }

  // A command of tests/emulator/README.md, such as "freeze?for=3s": its answer, when it is done.
  async control(command, environment = 1) {
    const { control } = await this.event('listening');
    const response = await fetch(new URL(`/environments/${environment}/${command}`, control), { method: 'POST' });
    const answer = await response.json();
    if (!response.ok) {
      throw new Error(`${command}: ${answer.message}`);
    }
    return answer;
  }

  // The nth event of that name, now or when it comes.
  event(name, nth = 1) {
    return this.entry((entry) => entry.event === name, nth);
  }

  // `tell` is called with (entry, null) or (null, line) for all that comes from now on.
  follow(tell) {
    this.#followers.push(tell);
  }

  // What the journal has so far.
  entries(matches) {
    return this.#journal.filter(matches);
  }

  // The nth entry of the journal for which `matches` is true, now or when it comes.
  entry(matches, nth = 1) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.#journal.filter(matches)[nth - 1];
        if (found) {
          resolve(found);
        }
        return Boolean(found);
      };
      if (!check()) {
        this.#waiting.push({ check, reject });
      }
    });
  }

  // The nth line of the log for which `matches` is true, now or when it comes.
  line(matches, nth = 1) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.log.filter(matches)[nth - 1];
        if (found) {
          resolve(found);
        }
        return Boolean(found);
      };
      if (!check()) {
        this.#waiting.push({ check, reject });
      }
    });
  }

  // Returns when all it wrote is read. Once more does nothing.
  async stop() {
    this.#child.removeAllListeners('exit');
    this.#stopped ??= once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await this.#stopped;
  }
}
