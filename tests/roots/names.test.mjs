// Names of hosts are found whatever the root's /etc/nsswitch.conf says: a static program cannot load the modules
// that it names, and must not try.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { HttpPeer } from '../functional/http_peer.mjs';
import { NameServer } from '../functional/name_server.mjs';
import { certificate } from '../functional/task_story.mjs';
import { emptyRoot, run, startInside } from './empty_root.mjs';

const skip = process.getuid() === 0 ? false : 'only root may be a name server';
const LIBRARIES = ['lib', 'lib64', 'usr/lib', 'usr/lib64', 'lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu',
  'lib/aarch64-linux-gnu', 'usr/lib/aarch64-linux-gnu'];

// Modules that hang whoever opens them: a pipe without a writer.
function trap(root, names) {
  for (const folder of LIBRARIES) {
    mkdirSync(path.join(root, folder), { recursive: true });
    run('mkfifo', names.map((name) => path.join(root, folder, `libnss_${name}.so.2`)));
  }
}

for (const [what, hosts] of [
  ['there is none', null],
  ['files and dns are named, as on Amazon Linux', 'files dns'],
  ['a machine finds its own name, as on Amazon Linux 2', 'files dns myhostname'],
  ['systemd is asked first, as on Fedora', 'files myhostname resolve [!UNAVAIL=return] dns'],
  ['it names modules that hang', 'trap [!UNAVAIL=return] files'],
]) {
  test(`/etc/nsswitch.conf: ${what}`, { skip }, async (t) => {
    const tls = certificate(t, { name: 'hooks.example' });
    const peer = await HttpPeer.start(t, [{ status: 200 }], tls);
    const names = await NameServer.start(t, (name) => (name === 'hooks.example' ? ['127.0.0.1'] : []));
    const root = emptyRoot(t, {
      ca: tls.ca,
      files: {
        'etc/resolv.conf': `nameserver ${names.host}\n`,
        'etc/hosts': '127.0.0.1 localhost\n127.0.0.1 here.example\n',
        ...(hosts ? { 'etc/nsswitch.conf': `passwd: files\nhosts: ${hosts}\n` } : {}),
      },
    });
    trap(root, ['dns', 'files', 'myhostname', 'resolve', 'trap']);
    const plain = await HttpPeer.start(t);
    const story = await startInside(t, [
      { name: 'by-dns', http: { url: peer.url('hooks.example') } },
      { name: 'by-file', http: { url: plain.url('here.example') } },
      { name: 'nowhere', attempts: 1, http: { url: plain.url('missing.example') } },
    ], { root });
    await story.moves('answer');
    const { tasks } = await story.receipt();
    assert.deepEqual(tasks.map(({ name, state, why }) => [name, state, why ?? null]).sort(), [
      ['by-dns', 'done', null],
      ['by-file', 'done', null],
      ['nowhere', 'failed', 'missing.example: the name does not exist'],
    ]);
    assert.ok(!names.asked.some(({ name }) => name === 'here.example'));
  });
}
