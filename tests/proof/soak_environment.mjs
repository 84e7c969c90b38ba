// One environment of the soak: invocations one after the other, with what chance does to it meanwhile.
import { setTimeout as after } from 'node:timers/promises';
import { Accounting, receiptsOf } from './accounting.mjs';
import { childNow, Environment, EXTENSION, signal } from './environment.mjs';
import { Random } from './random.mjs';
import { acceptedOf, invocation, tasks, trouble, TROUBLES, wordFor } from './soak_plan.mjs';
import { Watch } from './soak_watch.mjs';

const BETWEEN_DEATHS_MS = 5500; // of extensions: at most two in 10 s
const SAMPLE_EVERY = 10;
const SETTLE_TRIES = 20;
const SETTLE_PAUSE_MS = 500;
export const TIMEOUT_MS = 10_000;

export class SoakEnvironment {
  watch = new Watch();
  done = { extension: 0, shim: 0, runtime: 0, freeze: 0, pause: 0 };
  calls = []; // {event, requestId, how, text}
  byRequest = new Map(); // what the journal says: {answered, heads, end, ms}
  #random;
  #chances;
  #lastDeath = 0;
  #shim = null;
  #runtime = null;
  #troubles = [];

  static async start(number, world) {
    const environment = new SoakEnvironment(number);
    environment.one = await Environment.start({
      tasks: tasks(world.peer), env: world.env, options: ['--timeout', `${TIMEOUT_MS / 1000}s`],
    });
    environment.#follow();
    return environment;
  }

  constructor(number) {
    this.number = number;
    this.#random = new Random(1000 + number);
    this.#chances = TROUBLES[number];
  }

  #follow() {
    this.one.stage.rule(({ place, id }) => (place === 'task' ? wordFor(id) : undefined));
    this.one.stage.keep = false;
    this.one.stage.tell = ({ place, pid }) => { if (place === 'init') this.#runtime = pid; };
    this.one.lambda.follow((entry) => entry && this.#take(entry));
  }

  #take({ event, process, pid, requestId, status, durationMs, how }) {
    if (event === 'processStarted' && process === 'runtime') this.#shim = pid;
    if (requestId === undefined) return;
    if (!this.byRequest.has(requestId)) this.byRequest.set(requestId, { answered: 0, whole: 0 });
    const known = this.byRequest.get(requestId);
    if (event === 'callerAnswered') known.answered += 1;
    if (event === 'responseEnd' && how !== 'cut') known.whole += 1;
    if (event === 'invokeEnd') Object.assign(known, { end: status, ms: durationMs });
  }

  async run(count) {
    for (let nth = 0; nth < count; nth += 1) {
      const event = invocation(this.#random);
      const planned = trouble(this.#random, this.#chances);
      if (planned) this.#troubles.push(this.#strike(planned));
      const { failure, requestId, text } = await this.one.invoke(event);
      this.calls.push({ event, requestId, how: failure === null ? 'answer' : 'failure', text });
      if (nth % SAMPLE_EVERY === 0) this.#sample();
    }
    await Promise.all(this.#troubles);
    await this.#settle();
  }

  async #strike({ what, afterMs, of, ms }) {
    await after(afterMs);
    if (what === 'extension') {
      if (Date.now() - this.#lastDeath < BETWEEN_DEATHS_MS) return;
      this.#lastDeath = Date.now();
    }
    if (what === 'freeze') {
      await this.one.lambda.control(`freeze?for=${Math.ceil(ms)}ms`);
    } else {
      const pid = this.#pid(what === 'pause' ? of : what);
      if (!this.one.owns(pid)) return; // it is about to be there
      if (what === 'pause') {
        signal(pid, 'SIGSTOP');
        await after(ms);
        signal(pid, 'SIGCONT');
      } else {
        signal(pid, 'SIGKILL');
      }
    }
    this.done[what] += 1;
  }

  #pid(of) {
    if (of === 'extension') return childNow(this.#shim, EXTENSION);
    return of === 'shim' ? this.#shim : this.#runtime;
  }

  #sample() {
    const extension = childNow(this.#shim, EXTENSION);
    this.watch.take({ shim: this.#shim, extension }, this.one.spool, this.one.spoolFiles());
  }

  // Until what is carried is done: some of it waits for seconds.
  async #settle() {
    for (let tries = 0; tries < SETTLE_TRIES; tries += 1) {
      const { requestId, text } = await this.one.invoke({ moves: 'answer', tasks: '-' });
      this.calls.push({ event: { moves: 'answer', tasks: '-' }, requestId, how: 'answer', text });
      await after(SETTLE_PAUSE_MS);
      if (this.one.records().length === 0) return;
    }
  }

  // {accepted, states, wrong}; `held` is what the spool still has.
  account() {
    const accounting = new Accounting().add(receiptsOf(this.one.lambda.log));
    const records = this.one.records();
    const accepted = new Set();
    const possible = new Set();
    for (const { event, requestId } of this.calls) {
      const ids = acceptedOf(event).map((name) => `${requestId}/${name}/1`);
      if (this.byRequest.get(requestId)?.end === 'success') {
        ids.forEach((id) => accepted.add(id));
      } else {
        [...ids, ...acceptedOf({ ...event, moves: 'fail' }).map((name) => `${requestId}/${name}/1`), `${requestId}/later/1`].forEach((id) => possible.add(id));
      }
    }
    for (const id of [...accounting.ends.keys(), ...records.map((record) => record.id)]) if (possible.has(id)) accepted.add(id);
    return { accepted, ...accounting.settle([...accepted], records), toldTwice: accounting.toldTwice().length, whys: accounting.whys };
  }
}
