// One function in the emulator, started with exactly the options that a story gives.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';

const program = path.join(process.env.POSTLUDE_BIN_DIR, 'postlude-emulator');

export class EmulatedFunction {
  #child;
  #name;
  #waiting = [];
  #ended = null;
  log = [];

  // When its addresses are known. It stops with the test.
  static async start(t, options) {
    const one = new EmulatedFunction(options);
    t.after(() => one.stop());
    const line = await one.line((text) => text.startsWith('listening '));
    one.addresses = Object.fromEntries(line.split(' ').slice(1).map((pair) => pair.split('=')));
    return one;
  }

  // What it says where it does not start: {status, text} of standard error.
  static async refusal(options) {
    const child = spawn(program, options, { stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (piece) => { text += piece; });
    const [status] = await once(child, 'close');
    return { status, text };
  }

  constructor(options) {
    const given = options.findIndex((option) => option === '--name' || option === '--resource');
    this.#name = given < 0 ? 'function' : options[given + 1];
    this.#child = spawn(program, options, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child.once('exit', (status) => this.#fail(new Error(`the emulator ended: ${status}`)));
    readline.createInterface(this.#child.stdout).on('line', (line) => {
      this.log.push(line);
      this.#waiting = this.#waiting.filter((waiter) => !waiter.check());
    });
  }

  #fail(error) {
    this.#ended = error;
    this.#waiting.forEach((waiter) => waiter.reject(error));
    this.#waiting = [];
  }

  // The nth line for which `matches` is true, now or when it comes.
  line(matches, nth = 1) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.log.filter(matches)[nth - 1];
        if (found !== undefined) {
          resolve(found);
        }
        return found !== undefined;
      };
      if (check()) {
        return;
      }
      if (this.#ended) {
        reject(this.#ended);
      } else {
        this.#waiting.push({ check, reject });
      }
    });
  }

  // By the Invoke API, as `aws lambda invoke` does.
  async invoke(event) {
    const at = new URL(`/2015-03-31/functions/${this.#name}/invocations`, this.addresses.invoke);
    const response = await fetch(at, { method: 'POST', body: JSON.stringify(event) });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  // By the Function URL.
  async call(at = '/', init = {}) {
    const began = performance.now();
    const response = await fetch(new URL(at, this.addresses.url), init);
    return { status: response.status, headers: response.headers, text: await response.text(), ms: performance.now() - began };
  }

  async stop() {
    this.#child.removeAllListeners('exit');
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'close');
    }
  }
}
