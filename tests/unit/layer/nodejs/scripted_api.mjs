// The local API as a script: keeps every request, answers as it is told.
import { EventEmitter, on } from 'node:events';
import http from 'node:http';

/**
 * `script` maps the end of a path to { status, body }, or to 'hang up'. `requests` gets each whole request,
 * `events` a line for it, before its answer is sent. `pieces()` gives what of bodies arrives, as it arrives.
 */
export class ScriptedApi extends EventEmitter {
  requests = [];
  events = [];
  script = {};

  static async start() {
    const api = new ScriptedApi();
    api.arriving = on(api, 'piece');
    api.server = http.createServer((request, response) => api.#serve(request, response));
    await new Promise((resolve) => api.server.listen(0, '127.0.0.1', resolve));
    api.url = `http://127.0.0.1:${api.server.address().port}/postlude/v1`;
    return api;
  }

  async nextPiece() {
    return (await this.arriving.next()).value[0];
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  async #serve(request, response) {
    const { status = 202, body = { status: 'OK' }, before } = this.script[request.url.split('/').pop()] ?? {};
    if (status === 'hang up') {
      request.socket.destroy();
      return;
    }
    const pieces = [];
    try {
      for await (const piece of request) {
        pieces.push(piece);
        this.emit('piece', piece);
      }
    } catch {
      return; // the client hung up
    }
    const { method, url, headers, rawHeaders, trailers } = request;
    this.requests.push({ method, url, headers, rawHeaders, trailers, body: Buffer.concat(pieces) });
    this.events.push(`${method} ${url}`);
    await before?.();
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(`${JSON.stringify(body)}\n`);
  }
}
