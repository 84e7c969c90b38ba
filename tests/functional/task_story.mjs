// What stories of tasks have in common: a function under Postlude in the local Lambda, called through its
// Function URL, and its receipts.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalLambda } from '../demo/local_lambda.mjs';

export const tests = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

// The external flavour of the layer, beside the one that stories use unless told otherwise.
export const externalLayer = `${process.env.POSTLUDE_LAYER_DIR}-external`;

// The programs are built with a sanitizer: slower, and with memory of its own.
export const sanitized = process.env.STORY_SANITIZED === '1';

const isReceipt = (line) => line.startsWith('{"postlude":"receipt"');
const taskOf = (receipt, name) => receipt.tasks.find((task) => task.name === name);

// A folder that goes when the test is over.
export function temporaryFolder(t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'postlude-story-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// `tasks` is what POSTLUDE_TASKS will be, null: not set; `folder` is one of tests/functions. Stops with the test.
export async function startFunction(t, tasks, { folder = 'returns', env = {}, options = [], runtime = null, within = [], layer = process.env.POSTLUDE_LAYER_DIR, emulator } = {}) {
  const spool = mkdtempSync(path.join(os.tmpdir(), 'postlude-story-'));
  const lambda = new LocalLambda(
    path.resolve(tests, 'functions', folder),
    {
      AWS_LAMBDA_EXEC_WRAPPER: '/opt/postlude',
      NODE_PATH: '/opt/nodejs/node_modules',
      POSTLUDE_SPOOL_DIR: spool,
      ...(tasks === null ? {} : { POSTLUDE_TASKS: JSON.stringify(tasks) }),
      ...env,
    },
    ['--admission-wait', '30s', ...options], // there is one environment, which may be at work yet
    runtime,
    within,
    layer,
    emulator,
  );
  t.after(async () => {
    await lambda.stop();
    rmSync(spool, { recursive: true, force: true });
  });
  const { url, invoke } = await lambda.event('listening');
  return {
    lambda,
    spool,
    url,
    // Calls it by the Invoke API, with those bytes as its event.
    async invoke(payload) {
      const at = new URL('/2015-03-31/functions/function/invocations', invoke);
      const response = await fetch(at, { method: 'POST', body: payload });
      return { status: response.status, text: await response.text() };
    },
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

// What a command is put behind to see other files at those places, {path: content}, than the machine has.
export function seeing(t, files) {
  const folder = temporaryFolder(t);
  const mounts = Object.entries(files).map(([place, content], index) => {
    const file = path.join(folder, String(index));
    writeFileSync(file, content);
    return `mount --bind '${file}' '${place}' &&`;
  });
  return ['unshare', '--mount', 'sh', '-c', `${mounts.join(' ')} exec "$@"`, 'sh'];
}

// Why a story that needs `seeing` cannot be told here, or false.
export const withoutMounts = process.getuid() === 0 ? false : 'only root may give a process files of its own';

// A private authority and the certificate of a server on this machine, as files; a negative number of `days`
// makes one that has expired.
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
