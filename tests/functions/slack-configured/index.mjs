// A function that knows nothing of Postlude: it answers slash commands, and makes reports when it is
// called with a job.
import { setTimeout as sleep } from 'node:timers/promises';

async function makeReport({ report, user = 'somebody' }) {
  await sleep(Number(process.env.WORK_MS));
  process.stdout.write(`report ${report} for ${user} is made\n`);
}

export const handler = async (event) => {
  if (event.job) {
    await makeReport(event.job);
    return;
  }
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ response_type: 'ephemeral', text: 'Working on it' }),
  };
};
