// Fails in the way the event asks for.
class OrderError extends Error {
  constructor(message) {
    super(message);
    this.name = 'OrderError';
  }
}

const deaths = {
  exit: () => process.exit(3),
  'exit 0': () => process.exit(0),
  kill: () => process.kill(process.pid, 'SIGKILL'),
};

const wishes = (event) => JSON.parse(event.body ?? JSON.stringify(event));

export const handler = async (event) => {
  const { how } = wishes(event);
  deaths[how]?.();
  if (how === 'throw') {
    throw new OrderError('no such order');
  }
  if (how === 'reject with a text') {
    return Promise.reject('just text');
  }
  if (how === 'too large') {
    return 'x'.repeat(6 * 1024 * 1024 + 1000);
  }
  if (how === 'answer, then kill') {
    setTimeout(deaths.kill, 100);
  }
  return how === 'answer with pid' ? { answered: how, pid: process.pid } : { answered: how };
};

export const streaming = awslambda.streamifyResponse(async (event, stream) => {
  const { how } = wishes(event);
  if (how === 'throw before') {
    throw new OrderError('before the first byte');
  }
  stream.setContentType('text/plain');
  stream.write('first bytes');
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (how === 'throw after') {
    throw new OrderError('after the first byte');
  }
  deaths[how]?.();
  stream.end();
  if (how === 'end, then exit') {
    await new Promise((resolve) => setTimeout(resolve, 100));
    deaths.exit();
  }
  if (how === 'end, then throw') {
    throw new OrderError('after the answer');
  }
});
