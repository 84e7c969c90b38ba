// An HTTP or HTTPS server that writes down what it is asked and answers as the story says.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

export class HttpPeer {
  requests = [];
  #answers;
  #server;
  #waiting = [];
  #sockets = new Set();

  // `answers` are used up one by one, the last one again and again: each {status, headers, body}, or a
  // function of (request, response) that answers by itself.
  static async start(t, answers = [{ status: 200 }], tls = null, { host = '127.0.0.1', port = 0 } = {}) {
    const peer = new HttpPeer(answers, tls);
    peer.#server.listen(port, host);
    await once(peer.#server, 'listening');
    t.after(() => peer.stop());
    return peer;
  }

  // Two on one port, of one address each: [{host, answers}, {host, answers}]. A port that is free at one
  // address may be taken at the other, so it is tried again.
  static async startTwo(t, places, tls) {
    for (let tries = 1; ; tries += 1) {
      const first = await HttpPeer.start(t, places[0].answers, tls, { host: places[0].host });
      try {
        const { host, answers } = places[1];
        return [first, await HttpPeer.start(t, answers, tls, { host, port: first.port })];
      } catch (error) {
        first.stop();
        if (error.code !== 'EADDRINUSE' || tries === 20) {
          throw error;
        }
      }
    }
  }

  constructor(answers, tls) {
    this.#answers = [...answers];
    const handle = (request, response) => this.#handle(request, response);
    this.#server = tls
      ? https.createServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, handle)
      : http.createServer(handle);
    this.#server.on('connection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('error', () => {}); // a client may reset what it gives up
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#tell();
      });
    });
    this.protocol = tls ? 'https' : 'http';
  }

  connections = 0;

  get port() {
    return this.#server.address().port;
  }

  url(host = '127.0.0.1', at = '/') {
    return `${this.protocol}://${host}:${this.port}${at}`;
  }

  async #handle(request, response) {
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    const body = await text(request).catch(() => null); // null: it was cut
    const { method, url, headers, rawHeaders: raw } = request;
    this.requests.push({ method, url, headers, raw, body, at: Date.now() });
    this.#tell();
    if (typeof answer === 'function') {
      answer(request, response);
      return;
    }
    response.writeHead(answer.status, answer.headers ?? {});
    response.end(answer.body ?? '');
  }

  #tell() {
    this.#waiting = this.#waiting.filter((check) => !check());
  }

  #when(find) {
    return new Promise((resolve) => {
      const check = () => {
        const found = find();
        if (found) {
          resolve(found);
        }
        return Boolean(found);
      };
      if (!check()) {
        this.#waiting.push(check);
      }
    });
  }

  // The nth request, now or when it comes.
  request(nth = 1) {
    return this.#when(() => this.requests[nth - 1]);
  }

  // When every connection is closed.
  async closed() {
    await this.#when(() => this.#sockets.size === 0);
  }

  stop() {
    this.#sockets.forEach((socket) => socket.destroy());
    this.#server.close();
  }
}
