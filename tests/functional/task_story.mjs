// What stories of tasks have in common: a function under Postlude in the local Lambda, called through its
// Function URL, and its receipts.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalLambda } from '../demo/local_lambda.mjs';

export const tests = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

const isReceipt = (line) => line.startsWith('{"postlude":"receipt"');
const taskOf = (receipt, name) => receipt.tasks.find((task) => task.name === name);

// A folder that goes when the test is over, after `stop`: nobody may still write to it.
export function temporaryFolder(t, stop = () => {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'postlude-story-'));
  t.after(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

// `tasks` is what POSTLUDE_TASKS will be; `folder` is one of tests/functions. Stops with the test.
export async function startFunction(t, tasks, { folder = 'returns', env = {}, options = [], runtime = null } = {}) {
  const lambda = new LocalLambda(
    path.join(tests, 'functions', folder),
    {
      AWS_LAMBDA_EXEC_WRAPPER: '/opt/postlude',
      NODE_PATH: '/opt/nodejs/node_modules',
      POSTLUDE_SPOOL_DIR: temporaryFolder(t, () => lambda.stop()),
      POSTLUDE_TASKS: JSON.stringify(tasks),
      ...env,
    },
    ['--admission-wait', '30s', ...options], // there is one environment, which may be at work yet
    runtime,
  );
  const { url } = await lambda.event('listening');
  return {
    lambda,
    url,
    // Calls the function; its answer, and how long it took.
    async call(body = '{}', { headers = {}, at = '', method = 'POST' } = {}) {
      const began = performance.now();
      const response = await fetch(new URL(at, url), { method, headers, body: method === 'GET' ? undefined : body });
      const text = await response.text();
      return { status: response.status, text, headers: response.headers, ms: performance.now() - began };
    },
    // The nth receipt.
    async receipt(nth = 1) {
      return JSON.parse(await lambda.line(isReceipt, nth));
    },
    // The nth receipt in which a task of that name stands: what it says of the task.
    async outcome(name, nth = 1) {
      const line = await lambda.line((text) => isReceipt(text) && taskOf(JSON.parse(text), name), nth);
      return taskOf(JSON.parse(line), name);
    },
  };
}

// A private authority and the certificate of a server on this machine, as files.
export function certificate(t, { name = 'localhost', address = '127.0.0.1', days = 2 } = {}) {
  const folder = temporaryFolder(t);
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=story authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:${address}`, '-keyout', 'key.pem', '-out', 'request.pem');
  openssl('x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', String(days),
    '-copy_extensions', 'copy', '-out', 'cert.pem');
  return { ca: path.join(folder, 'ca.pem'), cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
}
