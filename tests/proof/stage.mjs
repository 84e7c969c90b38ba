// Where the processes of the proofs (tests/proof/actor.h) ask before they move: each question is an arrival at a
// place, and the answer a number. Unless a place is held, an arrival goes on at once.
import { once } from 'node:events';
import net from 'node:net';

export class Stage {
  arrivals = [];
  keep = true; // false where nobody asks for arrivals, and there are thousands
  tell = () => {}; // of each arrival
  #server;
  #holds = [];
  #waiting = [];
  #sockets = new Set();

  static async start() {
    const stage = new Stage();
    stage.#server = net.createServer((socket) => stage.#accept(socket));
    stage.#server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
    await once(stage.#server, 'listening');
    return stage;
  }

  get port() {
    return this.#server.address().port;
  }

  // `decide` is asked for each arrival: a number answers it, "hold" lets it wait for release(), undefined
  // leaves it to the ones before. Returns what takes it back.
  rule(decide) {
    this.#holds.unshift(decide);
    return () => {
      this.#holds = this.#holds.filter((each) => each !== decide);
    };
  }

  // The first `count` arrivals that match wait until they are released.
  hold(matches, count = 1) {
    let left = count;
    return this.rule((arrival) => (left > 0 && matches(arrival) ? ((left -= 1), 'hold') : undefined));
  }

  #accept(socket) {
    this.#sockets.add(socket);
    socket.on('error', () => {}); // who waits there may be killed
    socket.on('close', () => this.#sockets.delete(socket));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.includes('\n')) this.#take(socket, text.split('\n')[0]);
    });
  }

  #take(socket, line) {
    const [place, id, pid, attempt] = line.split(' ');
    const arrival = { place, id, pid: Number(pid), attempt: Number(attempt), at: Date.now(), held: false };
    arrival.released = new Promise((resolve) => { arrival.isReleased = resolve; });
    arrival.release = (word = 0) => {
      arrival.held = false;
      arrival.isReleased();
      if (!socket.destroyed) socket.end(`${word}\n`);
    };
    const decided = this.#holds.map((decide) => decide(arrival)).find((word) => word !== undefined) ?? 0;
    if (decided === 'hold') {
      arrival.held = true;
    } else {
      arrival.release(decided);
    }
    if (this.keep) this.arrivals.push(arrival);
    this.tell(arrival);
    this.#waiting = this.#waiting.filter((check) => !check());
  }

  // The nth arrival that matches, now or when it comes.
  arrival(matches, nth = 1) {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.arrivals.filter(matches)[nth - 1];
        if (found) resolve(found);
        return Boolean(found);
      };
      if (!check()) this.#waiting.push(check);
    });
  }

  // Nobody is held any more, now and later.
  releaseAll() {
    this.#holds = [];
    this.arrivals.filter(({ held }) => held).forEach((arrival) => arrival.release());
  }

  stop() {
    this.#sockets.forEach((socket) => socket.destroy());
    this.#server.close();
  }
}
