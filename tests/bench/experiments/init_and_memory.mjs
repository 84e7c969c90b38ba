// What is there before the first invocation and between invocations: time of the init, memory, size of the layer.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import https from 'node:https';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { direct, postlude, relayed, withContestants } from '../contestants.mjs';
import { row } from '../row.mjs';
import { spread } from '../statistics.mjs';

const MIB = 1024 * 1024;

export const title = 'init, memory and size';

async function starts(quick) {
  const ways = [direct(), relayed(), postlude()];
  const times = [];
  try {
    for (let round = 0; round < (quick ? 5 : 60); round += 1) {
      const one = {};
      for (const way of ways) {
        one[way.name] = await way.start();
        await way.stop();
      }
      times.push(one);
    }
  } finally {
    await Promise.all(ways.map((way) => way.end()));
  }
  return times;
}

// A server with a certificate of its own, and the file that makes it trusted.
async function secureServer(folder) {
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const server = https.createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    server.calls += 1;
    request.resume().on('end', () => response.end());
  });
  server.calls = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, certificate };
}

async function memory() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'postlude-bench-tls-'));
  const { server, certificate } = await secureServer(folder);
  const way = postlude({
    tasks: () => [{ name: 'deferred', trigger: 'demand', http: { url: `https://127.0.0.1:${server.address().port}/` } }],
    env: { SSL_CERT_FILE: certificate },
  });
  try {
    return await withContestants([way], async () => {
      const idle = way.proportionalBytes;
      await way.batch({ invocations: 3, defer: 1 });
      if (server.calls === 0) {
        throw new Error('no task called the server');
      }
      return { idle, afterTls: way.proportionalBytes };
    });
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function measure({ quick }) {
  const times = await starts(quick);
  const { idle, afterTls } = await memory();
  const zips = process.env.POSTLUDE_ZIPS.split(':').filter(Boolean);
  return {
    rows: [
      row('init added: start of the wrapper to the first poll, static runtime',
        times.map((one) => (one.postlude - one.direct) / 1e6), { limit: 5, unit: 'ms', note: `${times.length} interleaved starts` }),
      row('both processes idle, proportional set size', [idle / MIB], { limit: 5, unit: 'MiB' }),
      row('both processes after the first TLS call, proportional set size', [afterTls / MIB], { limit: 8, unit: 'MiB' }),
      ...zips.map((zip) => row(`size of ${path.basename(zip)}`, [statSync(zip).size / 1e6], { limit: 3.5, unit: 'MB' })),
    ],
    data: {
      initNs: Object.keys(times[0]).map((name) => ({ name, ...spread(times.map((one) => one[name])) })),
    },
  };
}
