// AWS as tasks meet it in stories: an endpoint that checks every signature with an independent signer, writes
// down what came, and answers as the story says or passes it on to a stand-in of the service.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

export const require = createRequire(path.join(process.env.POSTLUDE_TEST_TOOLS, 'from-here'));
const aws4 = require('aws4');

export const REGION = 'eu-west-1';
export const ACCOUNT = '000000000000';
export const KEYS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'token+/=',
};
export const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  AWS_SESSION_TOKEN: KEYS.sessionToken,
};
const CLOCK_SKEW_MS = 60_000;

export const arn = (service, name, region = REGION) => `arn:aws:${service}:${region}:${ACCOUNT}:${name}`;
export const failure = (type, status = 400) => ({ status, body: JSON.stringify({ __type: type }) });

// Of "20150830T123600Z".
const dateOf = (text) => Date.parse(text.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));

// Throws unless the request was signed with `keys`, for that service and region, just now.
function checkSignature({ method, url, fields, body }, keys, expected) {
  const { authorization } = fields;
  assert.ok(authorization, `${method} ${url} is not signed`);
  const [, id, scope, names] = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), /.exec(authorization);
  const [, region, service] = scope.split('/');
  assert.equal(id, keys.accessKeyId);
  assert.equal(region, expected.region);
  assert.equal(service, expected.service);
  assert.ok(Math.abs(dateOf(fields['x-amz-date']) - Date.now()) < CLOCK_SKEW_MS, fields['x-amz-date']);
  assert.equal(fields['x-amz-security-token'], keys.sessionToken);
  const covered = names.split(';');
  for (const name of Object.keys(fields).filter((key) => key.startsWith('x-amz-') || key === 'host')) {
    assert.ok(covered.includes(name), `${name} is not covered by the signature`);
  }
  const again = {
    method, path: url, service, region, body: body.length > 0 ? body : undefined,
    headers: Object.fromEntries(covered.filter((name) => name !== 'x-amz-security-token').map((name) => [name, fields[name]])),
    extraHeadersToIgnore: { 'content-length': true },
  };
  if (body.length > 0 && !covered.includes('content-type')) again.extraHeadersToIgnore['content-type'] = true;
  aws4.sign(again, keys);
  assert.equal(authorization, again.headers.Authorization);
}

export class AwsPeer {
  requests = [];
  wrong = []; // what is wrong with signatures; a story ends with none
  #server;
  #service;
  #region;
  #keys;
  #answers;
  #waiting = [];
  #sockets = new Set();
  #connected = () => {};

  // `answers` are used up one by one, the last one again and again: each {status, headers, body}, a function
  // of the request that gives one, now or later, or an endpoint that it is passed on to.
  static async start(t, service, answers, { region = REGION, keys = KEYS } = {}) {
    const peer = new AwsPeer(service, answers, region, keys);
    peer.#server.listen(0, '127.0.0.1');
    await once(peer.#server, 'listening');
    t.after(() => {
      peer.stop();
      assert.deepEqual(peer.wrong, []);
    });
    return peer;
  }

  constructor(service, answers, region, keys) {
    this.#service = service;
    this.#answers = Array.isArray(answers) ? [...answers] : [answers];
    this.#region = region;
    this.#keys = keys;
    this.#server = http.createServer((request, response) => this.#take(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      this.#connected();
      socket.on('error', () => {}); // a client may reset what it gives up
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#tell();
      });
    });
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  // From now on.
  answerWith(...answers) {
    this.#answers = answers;
  }

  async #take(incoming, response) {
    const body = Buffer.concat(await incoming.toArray().catch(() => []));
    const request = { method: incoming.method, url: incoming.url, fields: incoming.headers, body, at: Date.now() };
    request.operation = request.fields['x-amz-target']?.split('.').at(-1);
    request.json = () => JSON.parse(body.toString());
    try {
      // Unsigned by design: the endpoint of credentials.
      if (this.#service) checkSignature(request, this.#keys, { service: this.#service, region: this.#region });
    } catch (error) {
      this.wrong.push(error.message);
    }
    this.requests.push(request);
    this.#tell();
    const answer = await this.#answer(request).catch((error) => ({ status: 599, body: String(error) }));
    response.writeHead(answer.status, answer.headers ?? {});
    response.end(answer.body ?? '');
  }

  async #answer(request) {
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    if (typeof answer === 'function') return answer(request);
    return typeof answer === 'string' ? this.#pass(request, answer) : answer;
  }

  async #pass({ method, url, fields, body }, endpoint) {
    const { connection, ...headers } = fields;
    const { hostname, port } = new URL(endpoint);
    const passed = http.request({ method, host: hostname, port, path: url, headers, agent: false });
    passed.end(body);
    const [answer] = await once(passed, 'response');
    const { 'transfer-encoding': _, ...kept } = answer.headers;
    return { status: answer.statusCode, headers: kept, body: Buffer.concat(await answer.toArray()) };
  }

  #tell() {
    this.#waiting = this.#waiting.filter((check) => !check());
  }

  #when(find) {
    return new Promise((resolve) => {
      const check = () => {
        const found = find();
        if (found) resolve(found);
        return Boolean(found);
      };
      if (!check()) this.#waiting.push(check);
    });
  }

  // The nth request, now or when it comes.
  request(nth = 1) {
    return this.#when(() => this.requests[nth - 1]);
  }

  // When no connection is open.
  idle() {
    return this.#when(() => this.#sockets.size === 0);
  }

  // Calls back for every new one.
  onConnection(connected) {
    this.#connected = connected;
  }

  stop() {
    this.#sockets.forEach((socket) => socket.destroy());
    this.#server.close();
  }
}
