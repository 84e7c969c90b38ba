// The same relay, judged by Node's own HTTP client and server on both ends.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import test from 'node:test';
import { pattern } from './bytes.mjs';
import { deferred, within } from './patience.mjs';
import { kRuntimePath } from './platform.mjs';
import { Shim } from './shim.mjs';

async function start(t, serve) {
  const server = http.createServer({ maxHeaderSize: 4 << 20 }, serve);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const shim = await Shim.start(t, { address: `127.0.0.1:${server.address().port}` });
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const [host, port] = shim.proxy.split(':');
  const call = (method, path, { headers, body, trailers, options } = {}) =>
    within(
      new Promise((resolve, reject) => {
        const request = http.request(
          { host, port, agent, method, path, headers, maxHeaderSize: 4 << 20, ...options },
          async (response) => {
            const chunks = [];
            try {
              for await (const chunk of response) {
                chunks.push(chunk);
              }
              resolve({ response, body: Buffer.concat(chunks) });
            } catch (error) {
              reject(error);
            }
          },
        );
        request.on('error', reject);
        if (trailers) {
          request.addTrailers(trailers);
        }
        if (typeof body === 'function') {
          body(request);
        } else {
          request.end(body);
        }
      }),
      `${method} ${path}`,
    );
  return { shim, server, agent, call };
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

test('80 polls parked at once are answered in any order, then 80 posts pass at once', async (t) => {
  const polls = [];
  const allParked = deferred();
  const posts = new Map();
  const { call } = await start(t, async (request, response) => {
    if (request.method === 'GET') {
      polls.push(response);
      if (polls.length === 80) {
        allParked.resolve();
      }
      return;
    }
    posts.set(request.url, (await bodyOf(request)).toString());
    response.writeHead(202).end('{"status":"OK"}\n');
  });
  const polled = Array.from({ length: 80 }, () => call('GET', `${kRuntimePath}invocation/next`));
  await within(allParked.promise, '80 parked polls');
  polls.reverse().forEach((response, i) => {
    response.setHeader('Lambda-Runtime-Aws-Request-Id', `id-${i}`);
    response.end(JSON.stringify({ i }));
  });
  const events = await Promise.all(polled);
  const ids = events.map(({ response, body }) => {
    const id = response.headers['lambda-runtime-aws-request-id'];
    assert.equal(`id-${JSON.parse(body).i}`, id);
    return id;
  });
  assert.equal(new Set(ids).size, 80);
  const acknowledged = await Promise.all(
    ids.map((id) => call('POST', `${kRuntimePath}invocation/${id}/response`, { body: `answer of ${id}` })),
  );
  assert.ok(acknowledged.every(({ response }) => response.statusCode === 202));
  assert.equal(posts.size, 80);
  for (const id of ids) {
    assert.equal(posts.get(`${kRuntimePath}invocation/${id}/response`), `answer of ${id}`);
  }
});

test('bodies of 6 MB pass both ways, with a length and in chunks', async (t) => {
  const event = pattern(6_291_456, 3);
  const result = pattern(6_291_556, 4);
  const received = [];
  const { call } = await start(t, async (request, response) => {
    if (request.method === 'GET') {
      response.setHeader('Lambda-Runtime-Aws-Request-Id', 'id');
      response.end(event);
      return;
    }
    received.push(createHash('sha256').update(await bodyOf(request)).digest('hex'));
    response.writeHead(202).end();
  });
  const got = await call('GET', `${kRuntimePath}invocation/next`);
  assert.ok(got.body.equals(event));
  const path = `${kRuntimePath}invocation/id/response`;
  await call('POST', path, { body: result });
  await call('POST', path, {
    body: (request) => {
      request.flushHeaders();
      for (let at = 0; at < result.length; at += 10_000) {
        request.write(result.subarray(at, at + 10_000));
      }
      request.end();
    },
  });
  const hash = createHash('sha256').update(result).digest('hex');
  assert.deepEqual(received, [hash, hash]);
});

test('trailers arrive as trailers, both ways', async (t) => {
  const seen = deferred();
  const { call } = await start(t, async (request, response) => {
    await bodyOf(request);
    seen.resolve({ trailers: request.trailers, announced: request.rawHeaders });
    response.writeHead(202, { Trailer: 'X-After' });
    response.write('ok');
    response.addTrailers({ 'X-After': 'all' });
    response.end();
  });
  const { response } = await call('POST', `${kRuntimePath}invocation/id/response`, {
    headers: {
      'Transfer-Encoding': 'chunked',
      Trailer: ['Lambda-Runtime-Function-Error-Type', 'Lambda-Runtime-Function-Error-Body'],
    },
    body: (request) => {
      request.write('first');
      request.addTrailers({
        'Lambda-Runtime-Function-Error-Type': 'Function.Broken',
        'Lambda-Runtime-Function-Error-Body': 'eyJhIjoxfQ==',
      });
      request.end();
    },
  });
  const { trailers, announced } = await within(seen.promise, 'the trailers at the server');
  assert.deepEqual({ ...trailers }, {
    'lambda-runtime-function-error-type': 'Function.Broken',
    'lambda-runtime-function-error-body': 'eyJhIjoxfQ==',
  });
  assert.equal(announced.filter((word) => word === 'Trailer').length, 2);
  assert.equal(response.trailers['x-after'], 'all');
});

test('a stream arrives piece by piece while the handler holds the rest back', async (t) => {
  const pieces = [];
  let arrived = deferred();
  const { call } = await start(t, async (request, response) => {
    for await (const piece of request) {
      pieces.push(piece.toString());
      arrived.resolve();
    }
    response.writeHead(202).end();
  });
  let request;
  const answered = call('POST', `${kRuntimePath}invocation/id/response`, {
    headers: { 'Transfer-Encoding': 'chunked', 'Lambda-Runtime-Function-Response-Mode': 'streaming' },
    body: (opened) => {
      request = opened;
    },
  });
  for (let i = 0; i < 20; i += 1) {
    arrived = deferred();
    request.write(`piece ${i}`);
    await within(arrived.promise, `piece ${i}`);
    assert.equal(pieces.at(-1), `piece ${i}`);
  }
  request.end();
  assert.equal((await answered).response.statusCode, 202);
  assert.equal(pieces.length, 20);
});

test('Expect: 100-continue works with a server that waits for it', async (t) => {
  const { call, server } = await start(t, () => assert.fail('the request came without Expect'));
  server.on('checkContinue', async (request, response) => {
    response.writeContinue();
    const size = (await bodyOf(request)).length;
    response.writeHead(202).end(String(size));
  });
  const { response, body } = await call('POST', `${kRuntimePath}invocation/id/response`, {
    headers: { Expect: '100-continue', 'Content-Length': 1_000_000 },
    body: (request) => request.once('continue', () => request.end(pattern(1_000_000))),
  });
  assert.equal(response.statusCode, 202);
  assert.equal(body.toString(), '1000000');
});

test('a 413 that comes before the body was read reaches a client that is still sending', async (t) => {
  const { call } = await start(t, (request, response) => {
    response.writeHead(413, { Connection: 'close' });
    response.end('{"errorType":"RequestEntityTooLarge"}\n', () => request.socket.destroy());
  });
  for (let i = 0; i < 5; i += 1) {
    const { response, body } = await call('POST', `${kRuntimePath}invocation/id/response`, {
      body: pattern(20_000_000),
      options: { agent: false },
    });
    assert.equal(response.statusCode, 413);
    assert.equal(body.toString(), '{"errorType":"RequestEntityTooLarge"}\n');
  }
});

test('a response cut by the runtime is an aborted request at the server, never a whole one', async (t) => {
  const seen = deferred();
  const { call } = await start(t, async (request, response) => {
    request.on('end', () => seen.resolve('whole'));
    request.on('error', (error) => seen.resolve(error.code));
    request.on('data', () => {});
    response.on('error', () => {});
  });
  await assert.rejects(
    call('POST', `${kRuntimePath}invocation/id/response`, {
      headers: { 'Transfer-Encoding': 'chunked' },
      body: (request) => {
        request.write('half', () => request.destroy());
      },
    }),
  );
  assert.equal(await within(seen.promise, 'the cut at the server'), 'ECONNRESET');
});

test('HEAD, OPTIONS, PUT, DELETE and PATCH pass', async (t) => {
  const { call } = await start(t, async (request, response) => {
    const body = await bodyOf(request);
    response.setHeader('X-Method', request.method);
    response.end(body.length > 0 ? body : request.url);
  });
  for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'GET']) {
    const { response, body } = await call(method, '/2099-01-01/anything?x=%2F', {
      body: ['PUT', 'PATCH'].includes(method) ? 'payload' : undefined,
    });
    assert.equal(response.headers['x-method'], method);
    assert.equal(body.toString(), { HEAD: '', PUT: 'payload', PATCH: 'payload' }[method] ?? '/2099-01-01/anything?x=%2F');
  }
});
