// A Slack slash command behind a Function URL. Slack wants an answer within 3 seconds: this one answers at
// once, then works, and posts the result to the command's `response_url`.
//
// Set SLACK_SIGNING_SECRET (Slack app, "Basic Information"), the handler `index.handler`, the layer, and
// AWS_LAMBDA_EXEC_WRAPPER=/opt/postlude; use the Function URL (auth NONE, since Slack signs) as Request URL.
const { createHmac, timingSafeEqual } = require('node:crypto');
const { setTimeout: wait } = require('node:timers/promises');
const { after, handler } = require('postlude');

const { SLACK_SIGNING_SECRET: secret, WORK_SECONDS: workSeconds = '5' } = process.env;
if (!secret) {
  throw new Error('SLACK_SIGNING_SECRET is not set');
}
const MAX_AGE_SECONDS = 300; // an older request may be one that somebody recorded

exports.handler = handler(async (event) => {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  const headers = Object.fromEntries(Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value]));
  if (!signedBySlack(headers, body)) {
    return { statusCode: 401, body: 'not signed by Slack' };
  }
  after(finish, Object.fromEntries(new URLSearchParams(body.toString())));
  return message('Working on it ...');
});

// https://api.slack.com/authentication/verifying-requests-from-slack
function signedBySlack(headers, body) {
  const timestamp = headers['x-slack-request-timestamp'] ?? '';
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > MAX_AGE_SECONDS) {
    return false;
  }
  const digest = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex');
  const expected = Buffer.from(`v0=${digest}`);
  const given = Buffer.from(headers['x-slack-signature'] ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

async function finish(command) {
  try {
    await post(command.response_url, await report(command.text ?? ''));
  } catch (error) {
    await post(command.response_url, 'That did not work, sorry.');
    throw error; // into the log
  }
}

// Stands for your work, however slow it is (the function's timeout is the limit).
async function report(text) {
  await wait(Number(workSeconds) * 1000);
  return `The report about ${text} is ready.`;
}

async function post(url, text) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ response_type: 'ephemeral', text }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) {
    throw new Error(`response_url answered ${response.status}`);
  }
}

function message(text) {
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ response_type: 'ephemeral', text }),
  };
}
