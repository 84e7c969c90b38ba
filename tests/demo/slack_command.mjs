// A slash command as Slack sends it: signed, as a form (https://api.slack.com/interactivity/slash-commands).
import { createHmac } from 'node:crypto';
import http from 'node:http';

export const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';

// The body of a command and its signed headers.
export function slashCommand(text, responseUrl, { secret = SECRET, at = Date.now() } = {}) {
  const body = new URLSearchParams({ command: '/report', text, response_url: responseUrl }).toString();
  const timestamp = Math.floor(at / 1000);
  const digest = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
  return {
    body,
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Slack-Request-Timestamp': `${timestamp}`,
      'X-Slack-Signature': `v0=${digest}`,
    },
  };
}

// Stands for Slack's end of a response_url: `posted` is what came first, when it comes.
export async function responseUrl() {
  let arrived;
  const posted = new Promise((resolve) => (arrived = resolve));
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    response.end('ok');
    arrived(JSON.parse(Buffer.concat(chunks).toString()));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/commands/1`, posted, stop: () => server.close() };
}
