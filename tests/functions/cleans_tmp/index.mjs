// Cleans /tmp as functions do that were told to leave nothing behind. Only for an environment with
// a /tmp of its own.
import { execSync, spawn } from 'node:child_process';
import { statSync } from 'node:fs';

// HOST_TMP is the inode of the machine's own /tmp, which is never cleaned.
if (!process.env.HOST_TMP || `${statSync('/tmp').ino}` === process.env.HOST_TMP) {
  throw new Error('this /tmp is not private');
}

const clean = () => execSync('rm -rf /tmp/* /tmp/.[!.]* 2>/dev/null || true');

export const handler = async (event) => {
  clean();
  return { cleaned: event.name };
};

export const streaming = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('cleaned');
  stream.end();
  clean();
});

// Cleans all the time, while its answer is taken and while its tasks are handed over.
export const storm = awslambda.streamifyResponse(async (event, stream) => {
  const cleaner = spawn('sh', ['-c', 'echo cleaning; while :; do rm -rf /tmp/*; done'], {
    detached: true,
  });
  await new Promise((resolve) => cleaner.stdout.once('data', resolve));
  stream.write('stormy');
  stream.end();
  await new Promise((resolve) => setTimeout(resolve, 200));
  process.kill(-cleaner.pid, 'SIGKILL');
});
