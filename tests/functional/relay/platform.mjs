// A scripted platform: a raw server whose every byte a story sees and decides. It answers by itself
// only what the extension asks (register, event/next), so that a story can run with the real one.
import net from 'node:net';
import { deferred, within } from './patience.mjs';
import { Wire } from './wire.mjs';

const kExtensionPath = '/2020-01-01/extension/';
export const kRuntimePath = '/2018-06-01/runtime/';

export class Platform {
  #server;
  #sockets = new Set();
  #ready = [];
  #takers = [];
  #extensionParked = deferred();
  #extensionAsked = deferred();
  // What the extension's registration is answered with; a story may put a promise here.
  registration = '200 OK';
  registrationBody = '{}';
  extensionRequests = [];

  static async start() {
    const platform = new Platform();
    platform.#server = net.createServer({ allowHalfOpen: true }, (socket) => platform.#accept(socket));
    await new Promise((resolve) => platform.#server.listen(0, '127.0.0.1', resolve));
    return platform;
  }

  get port() {
    return this.#server.address().port;
  }
  get address() {
    return `127.0.0.1:${this.port}`;
  }

  // The next connection of the relay that has sent something.
  connection() {
    const ready = this.#ready.shift();
    if (ready) {
      return Promise.resolve(ready);
    }
    const taker = deferred();
    this.#takers.push(taker);
    return within(taker.promise, 'a connection of the relay at the platform');
  }
  get waitingConnections() {
    return this.#ready.length;
  }

  // Resolves when the real extension has asked for its registration.
  extensionAsked() {
    return within(this.#extensionAsked.promise, 'the extension to ask for its registration');
  }
  // Resolves when the real extension has parked its poll.
  extensionParked() {
    return within(this.#extensionParked.promise, 'the extension to park its poll');
  }

  // Refuses connections from here on.
  async stopListening() {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      for (const socket of this.#sockets) {
        socket.destroy();
      }
    });
  }

  stop() {
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  async #accept(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const wire = new Wire(socket);
    try {
      if ((await wire.peekLine()).includes(` ${kExtensionPath}`)) {
        await this.#serveExtension(wire);
        return;
      }
    } catch {
      return; // it ended without saying anything
    }
    const taker = this.#takers.shift();
    if (taker) {
      taker.resolve(wire);
    } else {
      this.#ready.push(wire);
    }
  }

  async #serveExtension(wire) {
    for (;;) {
      const head = (await wire.readHead()).toString('latin1');
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      const body = await wire.read(length);
      this.extensionRequests.push({ head, body: body.toString() });
      if (head.startsWith(`GET ${kExtensionPath}event/next `)) {
        this.#extensionParked.resolve(wire);
        return; // a story writes the event
      }
      this.#extensionAsked.resolve(wire);
      const status = await this.registration;
      await wire.send(
        `HTTP/1.1 ${status}\r\nLambda-Extension-Identifier: 0d0ce0a5-6bd1-4b4e-9c5a-6f2a6d8f7b11\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${this.registrationBody.length}\r\n\r\n${this.registrationBody}`,
      );
    }
  }
}

// Messages as the platform and the runtimes write them; stories that need other bytes write them.
export function nextRequest() {
  return `GET ${kRuntimePath}invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: story/1\r\n\r\n`;
}

export function eventMessage(id, body, { headers = [], deadlineMs = Date.now() + 30_000 } = {}) {
  const head = [
    'HTTP/1.1 200 OK',
    'Content-Type: application/json',
    `Lambda-Runtime-Aws-Request-Id: ${id}`,
    `Lambda-Runtime-Deadline-Ms: ${deadlineMs}`,
    'Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:story',
    'Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1',
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}

export function postMessage(path, body, headers = []) {
  const head = [
    `POST ${kRuntimePath}${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}

export function responseMessage(id, body, headers = ['Content-Type: application/json']) {
  return postMessage(`invocation/${id}/response`, body, headers);
}

export const kAccepted =
  'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n';

export function answer(status, body = '', headers = []) {
  return [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
}
