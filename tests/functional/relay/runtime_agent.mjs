// A runtime without a will: it says what it was given and then does what the story orders.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import readline from 'node:readline';

const control = net.connect(Number(process.env.STORY_CONTROL), '127.0.0.1');
const sockets = new Map();

function say(message) {
  control.write(`${JSON.stringify(message)}\n`);
}

function openDescriptors() {
  return fs.readdirSync('/proc/self/fd').map(Number);
}

const deeds = {
  connect({ name }) {
    const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
    const socket = net.connect({ host, port: Number(port), noDelay: true });
    socket.on('error', () => {});
    sockets.set(name, socket);
    return new Promise((resolve) => socket.once('connect', () => resolve({})));
  },
  send({ name, text }) {
    return new Promise((resolve) => sockets.get(name).write(Buffer.from(text, 'latin1'), () => resolve({})));
  },
  read({ name, size }) {
    const socket = sockets.get(name);
    return new Promise((resolve) => {
      const chunks = [];
      const take = (chunk) => {
        chunks.push(chunk);
        const all = Buffer.concat(chunks);
        if (all.length >= size) {
          socket.off('data', take);
          resolve({ text: all.toString('latin1') });
        }
      };
      socket.on('data', take);
    });
  },
  close({ name }) {
    sockets.get(name).destroy();
    return {};
  },
  // The write goes to the kernel at once, and the process is gone before anything can answer.
  send_and_exit({ name, text, status }) {
    sockets.get(name).write(Buffer.from(text, 'latin1'));
    process.exit(status);
  },
  exit({ status }) {
    process.exit(status);
  },
  die({ signal }) {
    process.kill(process.pid, signal);
    return new Promise(() => {});
  },
  // A helper process as handlers start them: in the runtime's group, its pipes not ours.
  start_child({ detached = false, argv = ['sleep', '600'] }) {
    const child = spawn(argv[0], argv.slice(1), { detached, stdio: 'ignore' });
    return new Promise((resolve) => child.once('spawn', () => resolve({ pid: child.pid })));
  },
  write_file({ fd, text }) {
    fs.writeSync(fd, text);
    return {};
  },
  read_file({ fd, size }) {
    const buffer = Buffer.alloc(size);
    return { text: buffer.toString('latin1', 0, fs.readSync(fd, buffer)) };
  },
};

control.on('close', () => process.exit(0));
control.on('connect', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2']) {
    process.on(signal, () => say({ signal }));
  }
  say({
    pid: process.pid,
    parent: process.ppid,
    argv: process.argv,
    env: process.env,
    cwd: process.cwd(),
    descriptors: openDescriptors(),
    status: fs.readFileSync('/proc/self/status', 'latin1'),
    group: Number(fs.readFileSync('/proc/self/stat', 'latin1').split(') ')[1].split(' ')[2]),
  });
});
readline.createInterface({ input: control }).on('line', async (line) => {
  const order = JSON.parse(line);
  say({ id: order.id, ...(await deeds[order.what](order)) });
});
