// A root folder with nothing in it but the layer out of its zip, a function in one static program, and what
// Lambda has for everybody; and functions that run in it, as nobody in particular.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { startFunction, temporaryFolder } from '../functional/task_story.mjs';

const { POSTLUDE_BIN_DIR, POSTLUDE_LAYERS } = process.env;
export const architecture = process.env.POSTLUDE_ARCHITECTURE;
const MACHINES = { x64: 'x86_64', arm64: 'arm64' };
export const foreign = MACHINES[process.arch] !== architecture;

const CA_BUNDLE = 'etc/pki/tls/certs/ca-bundle.crt'; // Amazon Linux's
const DEVICES = ['full', 'null', 'random', 'urandom', 'zero'];
const PROGRAMS = ['index.handler', 'inner', 'main', 'narrow', 'outer', 'task', 'wrapper']; // names of the one program
const EMULATOR = '/emulator';

// How binfmt_misc knows the programs of a processor: the head of a 64-bit little-endian ELF executable.
const head = (machine) => [
  `\\x7fELF\\x02\\x01\\x01\\x00${'\\x00'.repeat(8)}\\x02\\x00\\x${machine}\\x00`,
  `${'\\xff'.repeat(7)}\\x00${'\\xff'.repeat(8)}\\xfe\\xff\\xff\\xff`,
].join(':');
const INTERPRETERS = {
  arm64: ['/usr/bin/qemu-aarch64-static', `:qemu-aarch64:M::${head('b7')}:`],
  x86_64: ['/usr/bin/qemu-x86_64-static', `:qemu-x86_64:M::${head('3e')}:`],
};

// The zip of that flavour ('' or 'external-').
export const zipOf = (flavour = '') => path.join(POSTLUDE_LAYERS, `postlude-${flavour}${architecture}.zip`);

export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (error || status !== 0) {
    throw error ?? new Error(`${command}: ${stderr}${stdout}`);
  }
  return stdout;
}

// Makes a root with the layer of that flavour in /opt: out of the zip, or, as container images do it, as a copy
// of the folder. `files` are {place: content} more in it, `ca` is the file of the authorities that it knows.
export function emptyRoot(t, { flavour = '', files = {}, ca = null, copied = false } = {}) {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o755);
  const root = path.join(folder, 'root');
  const at = (place) => path.join(root, place);
  for (const place of ['dev', 'etc', 'opt', 'proc', 'tmp', 'var/runtime', 'var/task']) {
    mkdirSync(at(place), { recursive: true });
  }
  chmodSync(at('tmp'), 0o1777);
  DEVICES.forEach((name) => writeFileSync(at(`dev/${name}`), ''));
  if (copied) {
    run('cp', ['-r', `${path.join(POSTLUDE_LAYERS, flavour + architecture)}/.`, at('opt')]);
  } else {
    run('unzip', ['-q', zipOf(flavour), '-d', at('opt')]);
  }
  copyFileSync(path.join(POSTLUDE_BIN_DIR, 'static-emulator'), at(EMULATOR));
  copyFileSync(path.join(POSTLUDE_BIN_DIR, `root-function-${architecture}`), at('var/runtime/bootstrap'));
  PROGRAMS.forEach((name) => symlinkSync('/var/runtime/bootstrap', at(`var/task/${name}`)));
  const all = { 'etc/hosts': '127.0.0.1 localhost\n', 'etc/resolv.conf': '', ...files };
  if (ca !== null) {
    mkdirSync(path.dirname(at(CA_BUNDLE)), { recursive: true });
    copyFileSync(ca, at(CA_BUNDLE));
    chmodSync(at(CA_BUNDLE), 0o644);
  }
  for (const [place, content] of Object.entries(all)) {
    mkdirSync(path.dirname(at(place)), { recursive: true });
    writeFileSync(at(place), content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
  }
  return root;
}

// What a command is put behind to run in that root.
export function inside(root, { linux414 = false } = {}) {
  return [
    path.join(POSTLUDE_BIN_DIR, 'enter_root'),
    ...(linux414 ? ['--linux-4.14'] : []),
    ...(foreign ? ['--interpreter', ...INTERPRETERS[architecture]] : []),
    root,
  ];
}

// Runs a program there to its end.
export function runInside(root, command, settings = {}) {
  const [program, ...args] = [...inside(root, settings), ...command];
  return spawnSync(program, args, { encoding: 'utf8' });
}

// A function in such a root, as startFunction (task_story.mjs) has one on the machine; it waits at `gate`.
export async function startInside(t, tasks, { root, runtime = '/var/runtime/bootstrap', env = {}, options = [], linux414 = false, gate = null, limited = !foreign, layer = '/opt' } = {}) {
  const story = await startFunction(t, tasks, {
    folder: '/var/task',
    layer,
    emulator: EMULATOR,
    runtime,
    within: inside(root, { linux414 }),
    // Where qemu runs, what it needs for itself would count as the function's.
    options: [...(limited ? ['--enforce-memory'] : []), ...options],
    env: {
      POSTLUDE_SPOOL_DIR: '/tmp/postlude',
      ...(gate ? { GATE: String(gate.port) } : {}),
      ...env,
    },
  });
  return {
    ...story,
    // Calls it by the Invoke API and has it make those moves (function/serve.h).
    moves(names) {
      return story.invoke(JSON.stringify({ does: `moves=${names}` }));
    },
    // The nth line that the function printed after those words.
    said(words, nth = 1) {
      return story.lambda.line((line) => line.startsWith(words), nth);
    },
  };
}

// Files that a root has now, below one of its folders.
export const filesIn = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => !entry.isDirectory()).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));

// Where processes in a root wait for the test.
export class Gate {
  #waiting = [];
  #arrived = [];
  #server;

  static async start(t) {
    const gate = new Gate();
    gate.#server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (place) => gate.#arrive({ place: place.toString().trim(), open: () => socket.end('go\n') }));
    });
    await new Promise((resolve) => gate.#server.listen(0, '127.0.0.1', resolve));
    t.after(() => gate.#server.close());
    return gate;
  }

  get port() {
    return this.#server.address().port;
  }

  #arrive(visitor) {
    const next = this.#waiting.shift();
    if (next) {
      next(visitor);
    } else {
      this.#arrived.push(visitor);
    }
  }

  // The next one that waits: {place, open()}.
  visitor() {
    return this.#arrived.length > 0 ? Promise.resolve(this.#arrived.shift()) : new Promise((resolve) => this.#waiting.push(resolve));
  }
}
