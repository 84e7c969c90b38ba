// One task of each kind after every answer; and the usual hand-made way, an in-process queue with an internal extension.
// Both are judged by what the caller waits for and by how long the environment is held.
import { once } from 'node:events';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { behindPostlude, direct, postlude, program, RUNTIME, telling, withContestants } from '../contestants.mjs';
import { interleaved, medianOf } from '../rounds.mjs';
import { median } from '../statistics.mjs';

const python = (file) => ['python3', '-B', fileURLToPath(new URL(`../${file}`, import.meta.url))];

export const title = 'one task an invocation, by kind; and the hand-made way';

async function listeningServer() {
  const server = http.createServer((request, response) => request.resume().on('end', () => response.end()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function waysTo(url) {
  const call = [{ name: 'call', http: { method: 'POST', url, json: { id: '${context.requestId}' } } }];
  const env = { BENCH_URL: url };
  return [
    direct(),
    postlude(),
    behindPostlude('postlude, a command', RUNTIME, { tasks: (socket) => [{ name: 'run', command: telling(socket) }] }),
    behindPostlude('postlude, an http call', RUNTIME, { tasks: () => call }),
    behindPostlude('postlude, the handler again', RUNTIME, { tasks: () => [{ name: 'again', handler: { event: { answer: 2 } } }] }),
    program('python', python('plain_function.py'), { env: { ...env, BENCH_CALL: '' } }),
    program('python, call before the answer', python('plain_function.py'), { env: { ...env, BENCH_CALL: 'before' } }),
    program('python, queue and extension by hand', python('queue_extension.py'), { polls: [1, 1], env }),
    behindPostlude('python behind postlude, an http call', python('plain_function.py'), { env: { ...env, BENCH_CALL: '' }, tasks: () => call }),
  ];
}

export async function measure({ quick }) {
  const server = await listeningServer();
  try {
    const ways = waysTo(`http://127.0.0.1:${server.address().port}/`);
    const { rounds } = await withContestants(ways, () => interleaved(ways, {
      rounds: quick ? 2 : 8, play: (way) => way.batch({ invocations: quick ? 10 : 60 }), reference: medianOf('direct', 'released'),
    }), { warmUp: { invocations: 10 } });
    const micros = (name, list) => median(rounds.map(medianOf(name, list))) / 1000;
    return {
      rows: [],
      data: { ways: ways.map(({ name }) => ({ name, answerUs: micros(name, 'answer'), releasedUs: micros(name, 'released') })) },
    };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
