// A slash command in two calls of one handler: Slack has its answer at once, the report is made when Postlude
// calls the handler again (the task "report" of template.yaml), and another task posts that it is ready.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';

const { SLACK_SIGNING_SECRET: secret } = process.env;
if (!secret) {
  throw new Error('SLACK_SIGNING_SECRET is not set: anybody could sign with it');
}
const MAX_AGE_SECONDS = 300; // an older request may be one that somebody recorded

export const handler = async (event) => (event.report ? makeReport(event) : answer(event));

async function makeReport({ report, user }) {
  await wait(1000); // stands for your work, however slow it is
  console.log(`report ${report} for ${user} is made`);
}

function answer(event) {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (!signedBySlack(event.headers, body)) {
    return { statusCode: 401, body: 'not signed by Slack' };
  }
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ response_type: 'ephemeral', text: 'Working on it ...' }),
  };
}

// https://api.slack.com/authentication/verifying-requests-from-slack
function signedBySlack(headers, body) {
  const timestamp = headers['x-slack-request-timestamp'] ?? '';
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > MAX_AGE_SECONDS) {
    return false;
  }
  const digest = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex');
  const given = Buffer.from(headers['x-slack-signature'] ?? '');
  const expected = Buffer.from(`v0=${digest}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
