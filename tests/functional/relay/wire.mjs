// One end of a TCP connection as raw bytes: no parser of ours or of Node judges them.
import { createHash } from 'node:crypto';
import net from 'node:net';
import { within } from './patience.mjs';

export class Wire {
  #chunks = [];
  #size = 0;
  #waiting = new Set();

  constructor(socket) {
    this.socket = socket;
    this.ending = null; // 'fin', 'reset', or 'closed' by ourselves
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      this.#look();
    });
    socket.on('end', () => this.#ends('fin'));
    socket.on('error', () => this.#ends('reset'));
    socket.on('close', () => this.#ends('closed'));
  }

  static connect(address) {
    const [host, port] = address.split(':');
    const socket = net.connect({ host, port: Number(port), allowHalfOpen: true });
    const wire = new Wire(socket);
    return within(
      new Promise((resolve, reject) => {
        socket.once('connect', () => resolve(wire));
        socket.once('error', reject);
      }),
      `a connection to ${address}`,
    );
  }

  get buffered() {
    return this.#size;
  }

  // Resolves when the kernel has taken the bytes.
  send(bytes) {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  // Nothing more comes from here; resolves when the peer's kernel knows.
  finish() {
    return new Promise((resolve) => this.socket.end(resolve));
  }
  reset() {
    this.socket.resetAndDestroy();
  }
  close() {
    this.socket.destroy();
  }

  // Exactly `size` bytes.
  async read(size) {
    await this.#until(() => this.#size >= size, `${size} bytes`);
    const all = this.#take();
    this.#putBack(all.subarray(size));
    return all.subarray(0, size);
  }

  // Everything up to and including `marker`.
  async readPast(marker) {
    let end = -1;
    await this.#until(() => {
      const all = this.#take();
      this.#putBack(all);
      end = all.indexOf(marker, 0, 'latin1');
      return end >= 0;
    }, JSON.stringify(marker));
    return this.read(end + marker.length);
  }

  readHead() {
    return this.readPast('\r\n\r\n');
  }

  // The first line, which stays unread.
  async peekLine() {
    const line = await this.readPast('\r\n');
    this.#putBack(line);
    return line.toString('latin1');
  }

  // The SHA-256 of the next `size` bytes, none of them kept.
  async digest(size) {
    const hash = createHash('sha256');
    for (let left = size; left > 0; ) {
      await this.#until(() => this.#size > 0, `${left} of ${size} bytes`);
      const all = this.#take();
      const used = all.subarray(0, left);
      this.#putBack(all.subarray(used.length));
      hash.update(used);
      left -= used.length;
    }
    return hash.digest('hex');
  }

  // From here on the peer finds nobody reading, until resume().
  pause() {
    this.socket.pause();
  }
  resume() {
    this.socket.resume();
  }

  // How the peer ended its side ('fin' or 'reset'), and what was left to read.
  async readToEnd() {
    await within(
      new Promise((resolve) => this.#wait(() => this.ending !== null, resolve)),
      'the end of the connection',
    );
    return { ending: this.ending, rest: this.#take() };
  }

  #take() {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    return all;
  }

  #putBack(bytes) {
    if (bytes.length > 0) {
      this.#chunks.unshift(bytes);
      this.#size += bytes.length;
    }
  }

  async #until(condition, what) {
    await within(
      new Promise((resolve) => this.#wait(() => condition() || this.ending !== null, resolve)),
      `${what}; ${this.#size} are there: ${this.#sample()}`,
    );
    if (!condition()) {
      throw new Error(`the connection ended (${this.ending}) before ${what}: ${this.#sample()}`);
    }
  }

  #sample() {
    const all = this.#take();
    this.#putBack(all);
    return JSON.stringify(all.subarray(0, 300).toString('latin1'));
  }

  #wait(condition, resolve) {
    if (condition()) {
      resolve();
    } else {
      this.#waiting.add({ condition, resolve });
    }
  }

  #look() {
    for (const waiter of this.#waiting) {
      if (waiter.condition()) {
        this.#waiting.delete(waiter);
        waiter.resolve();
      }
    }
  }

  #ends(how) {
    this.ending ??= how;
    this.#look();
  }
}
