// Cleans /tmp as functions do that were told to leave nothing behind. Only for an environment with
// a /tmp of its own.
import { execSync } from 'node:child_process';

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
