// Seeded chance: messages in random pieces, connections ended at random points. Whatever happens,
// each side gets the other's bytes in order or a prefix of them, and nothing is left over.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { bytes, chunk, exchange, pattern } from './bytes.mjs';
import { quietTime, within } from './patience.mjs';
import { answer, eventMessage, kAccepted, kRuntimePath, nextRequest, responseMessage } from './platform.mjs';
import { startShim } from './scene.mjs';

// Another seed: STORY_SEED=n. The seed of a failure is in its message.
const kSeed = Number(process.env.STORY_SEED ?? 1);
const kRounds = 120;

function chance(seed) {
  let state = (seed * 2654435761) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  return {
    below: (limit) => next() % limit,
    one: (list) => list[next() % list.length],
    size() {
      return this.one([0, 1, 10, 1000, 65_536, 200_000]) + (next() % 7);
    },
  };
}

function framed(random, head, body) {
  if (random.below(2) === 0) {
    return Buffer.concat([bytes(`${head}Content-Length: ${body.length}\r\n\r\n`), body]);
  }
  const parts = [bytes(`${head}Transfer-Encoding: chunked\r\n\r\n`)];
  for (let at = 0; at < body.length; ) {
    const size = 1 + random.below(random.one([3, 5000, 100_000]));
    parts.push(chunk(body.subarray(at, at + size), random.one(['', '', ';a="b;c"'])));
    at += size;
    if (parts.length > 300 && at < body.length) {
      parts.push(chunk(body.subarray(at)));
      break;
    }
  }
  parts.push(bytes(random.one(['0\r\n\r\n', '000;x\r\nX-Trailer: 1\r\n\r\n'])));
  return Buffer.concat(parts);
}

function conversation(random) {
  const exchanges = [];
  for (let i = 1 + random.below(4); i > 0; i -= 1) {
    const id = `id-${random.below(1e9)}`;
    exchanges.push({
      request: bytes(nextRequest()),
      reply: framed(
        random,
        `HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: ${id}\r\nLambda-Runtime-Deadline-Ms: 4000000000000\r\n`,
        pattern(random.size(), i),
      ),
    });
    exchanges.push({
      request: framed(random, `POST ${kRuntimePath}invocation/${id}/response HTTP/1.1\r\nHost: x\r\n`, pattern(random.size(), i + 9)),
      reply: bytes(random.one([kAccepted, answer('413 Too Large', 'x'.repeat(500)), 'HTTP/1.1 204 No Content\r\n\r\n'])),
    });
  }
  return exchanges;
}

async function sendInPieces(random, wire, message) {
  for (let at = 0; at < message.length; ) {
    const size = 1 + random.below(random.one([4, 100, 70_000]));
    await wire.send(message.subarray(at, at + size));
    at += size;
    if (at > 3000 && at < message.length - 70_000) {
      await wire.send(message.subarray(at, message.length - 10));
      at = message.length - 10;
    }
  }
}

function descriptors(shim) {
  return fs.readdirSync(`/proc/${shim.pid}/fd`).length;
}

// Everything that was opened is closed again, and the shim rests and serves.
async function checkNothingLeft(t, platform, shim, before) {
  await within(
    (async () => {
      while (descriptors(shim) > before) {
        await quietTime(20);
      }
    })(),
    `the shim to have ${before} descriptors again, not ${descriptors(shim)}`,
  );
  const used = shim.cpuTime();
  await quietTime(300);
  assert.ok(shim.cpuTime() - used <= 60, 'the shim turns in circles');
  const runtime = await shim.runtime(t);
  const upstream = await exchange(platform, runtime, nextRequest(), eventMessage('last', '{}'));
  await exchange(platform, runtime, responseMessage('last', '1'), kAccepted, upstream);
}

test('conversations in random pieces pass byte by byte', async (t) => {
  const { platform, shim } = await startShim(t);
  const before = descriptors(shim);
  for (let round = 0; round < kRounds; round += 1) {
    const seed = kSeed * 1000 + round;
    const random = chance(seed);
    const runtime = await shim.runtime(t);
    let upstream = null;
    try {
      for (const { request, reply } of conversation(random)) {
        const sent = sendInPieces(random, runtime, request);
        upstream ??= await platform.connection();
        assert.ok((await upstream.read(request.length)).equals(request), 'the request differs');
        await sent;
        const answered = sendInPieces(random, upstream, reply);
        assert.ok((await runtime.read(reply.length)).equals(reply), 'the answer differs');
        await answered;
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${error.message}`);
    }
    runtime.close();
    upstream.close();
  }
  await checkNothingLeft(t, platform, shim, before);
});

test('connections that end at random points leave prefixes, and nothing behind', async (t) => {
  const { platform, shim } = await startShim(t);
  const before = descriptors(shim);
  for (let round = 0; round < kRounds; round += 1) {
    const seed = kSeed * 1000 + round;
    const random = chance(seed);
    const runtime = await shim.runtime(t);
    const exchanges = conversation(random);
    const { request, reply } = exchanges[random.below(exchanges.length)];
    const requestPart = request.subarray(0, random.one([request.length, random.below(request.length + 1)]));
    const replyPart = reply.subarray(0, random.one([reply.length, random.below(reply.length + 1)]));
    const end = random.one(['finish', 'reset', 'close']);
    const runtimeEnds = random.below(2) === 0;
    // What either side cannot take any more is lost, as it would be without us.
    runtime.socket.write(requestPart);
    const headEnd = request.indexOf('\r\n\r\n') + 4;
    if (requestPart.length >= headEnd) {
      const upstream = await platform.connection();
      const abandoned = runtimeEnds && request.equals(bytes(nextRequest()));
      if (!abandoned) {
        upstream.socket.write(replyPart);
      }
      if (random.below(2) === 0) {
        await quietTime(2);
      }
      (runtimeEnds ? runtime : upstream)[end]();
      const other = runtimeEnds ? upstream : runtime;
      if (abandoned) {
        await quietTime(5); // the poll stays with the platform
      } else if (!(runtimeEnds && requestPart.length === request.length)) {
        const { rest } = await other.readToEnd();
        const whole = runtimeEnds ? request : reply;
        assert.ok(whole.subarray(0, rest.length).equals(rest), `seed ${seed}: not a prefix`);
      }
      upstream.close();
    }
    runtime.close();
  }
  await checkNothingLeft(t, platform, shim, before + 1);
});
