// The real shim, started as the platform would start it, with a runtime that a story controls.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deferred, within } from './patience.mjs';
import { Wire } from './wire.mjs';

const kLayer =
  process.env.POSTLUDE_LAYER_DIR ?? fileURLToPath(new URL('../../../build/opt', import.meta.url));
const kAgent = fileURLToPath(new URL('./runtime_agent.mjs', import.meta.url));
// Sanitizers use memory and time of their own.
export const sanitized = process.env.STORY_SANITIZED === '1';

export const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'postlude-relay-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

export const realLayer = kLayer;

// The shim finds its extension beside itself: this layer has none, so the relay is on its own.
export const bareLayer = path.join(folder, 'bare-layer');
fs.mkdirSync(bareLayer);
for (const name of ['postlude', 'bootstrap']) {
  fs.copyFileSync(path.join(kLayer, 'postlude'), path.join(bareLayer, name));
}

// Each shim has a spool of its own: what one leaves behind is another's to go on with.
let spools = 0;

export function environment(platform, changes = {}) {
  const variables = {
    PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
    LAMBDA_TASK_ROOT: folder,
    _HANDLER: 'index.handler',
    POSTLUDE_SPOOL_DIR: path.join(folder, `spool-${++spools}`),
    ...(platform ? { AWS_LAMBDA_RUNTIME_API: platform.address } : {}),
    ...(process.env.ASAN_OPTIONS ? { ASAN_OPTIONS: process.env.ASAN_OPTIONS } : {}),
    ...changes,
  };
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined));
}

// Any program, its output collected, killed when the story ends.
export class Program {
  constructor(t, file, args, { env, stdio = ['ignore', 'pipe', 'pipe'], detached = true, ...rest } = {}) {
    this.child = spawn(file, args, { env, stdio, detached, ...rest });
    this.pid = this.child.pid;
    this.stdout = '';
    this.stderr = '';
    this.#changed = deferred();
    for (const name of ['stdout', 'stderr']) {
      this.child[name]?.on('data', (data) => {
        this[name] += data;
        this.#changed.resolve();
        this.#changed = deferred();
      });
    }
    this.exit = new Promise((resolve) => {
      this.child.on('exit', (status, signal) => resolve({ status, signal, at: performance.now() }));
    });
    this.closed = new Promise((resolve) => this.child.on('close', resolve));
    t.after(() => this.kill());
  }
  #changed;

  // Waits until the standard output holds `text`.
  async printed(text) {
    while (!this.stdout.includes(text)) {
      await within(this.#changed.promise, `${JSON.stringify(text)} in ${this.stdout}${this.stderr}`);
    }
  }

  // Waits until a line of the standard output matches.
  async logged(pattern) {
    while (!this.stdout.split('\n').some((line) => pattern.test(line))) {
      await within(this.#changed.promise, `${pattern} in ${this.stdout}${this.stderr}`);
    }
  }
  async ended() {
    const exit = await within(this.exit, `the end of process ${this.pid}`);
    await within(this.closed, 'the end of its output');
    return exit;
  }

  logLines() {
    return this.stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  }

  // Most memory it ever had resident, in KiB.
  peakMemory() {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${this.pid}/status`, 'latin1'))[1]);
  }

  // CPU time used so far, in milliseconds.
  cpuTime() {
    const fields = fs.readFileSync(`/proc/${this.pid}/stat`, 'latin1').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10; // clock ticks of 10 ms
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exit;
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }
}

// The agent's end of the control channel: what it says, and orders to it.
class Agent {
  #wire;
  #replies = new Map();
  #last = 0;
  signals = [];
  #signalled = deferred();

  constructor(wire) {
    this.#wire = wire;
  }

  async listen() {
    this.about = JSON.parse(await this.#wire.readPast('\n'));
    this.#readAll().catch(() => {});
    return this;
  }

  async #readAll() {
    for (;;) {
      // No time limit: the agent may have nothing to say for as long as a story lasts.
      const line = await this.#line();
      const message = JSON.parse(line);
      if (message.signal) {
        this.signals.push(message.signal);
        this.#signalled.resolve();
        this.#signalled = deferred();
      } else {
        this.#replies.get(message.id)?.resolve(message);
      }
    }
  }

  async #line() {
    while (this.#wire.buffered === 0 && this.#wire.ending === null) {
      await new Promise((resolve) => this.#wire.socket.once('data', resolve).once('close', resolve));
    }
    return this.#wire.readPast('\n');
  }

  order(what, details = {}) {
    const id = ++this.#last;
    const reply = deferred();
    this.#replies.set(id, reply);
    this.#wire.socket.write(`${JSON.stringify({ id, what, ...details })}\n`);
    return within(reply.promise, `the agent to ${what}`);
  }

  // For orders that the agent does not survive.
  tell(what, details = {}) {
    this.#wire.socket.write(`${JSON.stringify({ id: 0, what, ...details })}\n`);
  }

  async signalled(count) {
    while (this.signals.length < count) {
      await within(this.#signalled.promise, `signal ${count} at the runtime`);
    }
  }
}

export class Shim extends Program {
  // The shim with the agent as its runtime; resolves when the agent has spoken.
  static async start(t, platform, { env = {}, layer = bareLayer, command, program = 'postlude', ...options } = {}) {
    const control = net.createServer({ allowHalfOpen: true });
    await new Promise((resolve) => control.listen(0, '127.0.0.1', resolve));
    const spoken = new Promise((resolve, reject) => {
      control.once('connection', (socket) => new Agent(new Wire(socket)).listen().then(resolve, reject));
    });
    t.after(() => control.close());
    const shim = new Shim(t, path.join(layer, program), command ?? [process.execPath, kAgent], {
      env: environment(platform, { STORY_CONTROL: String(control.address().port), ...env }),
      ...options,
    });
    shim.agent = await within(
      Promise.race([
        spoken,
        shim.exit.then((exit) => {
          throw new Error(`the shim ended: ${JSON.stringify(exit)} ${shim.stdout}${shim.stderr}`);
        }),
      ]),
      'the runtime to start',
    );
    shim.proxy = shim.agent.about.env.AWS_LAMBDA_RUNTIME_API;
    return shim;
  }

  // The process of its real extension.
  extension() {
    const children = fs.readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'latin1').trim().split(' ');
    return children.map(Number).find((pid) => fs.readlinkSync(`/proc/${pid}/exe`).endsWith('/postlude-extension'));
  }

  // A raw connection of "the runtime", held by the story itself.
  async runtime(t) {
    const wire = await Wire.connect(this.proxy);
    t.after(() => wire.close());
    return wire;
  }
}
