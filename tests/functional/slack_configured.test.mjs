// A slash command by configuration alone: the function answers, does its slow part as a handler task, and
// an http task posts to the response_url of the command.
import assert from 'node:assert/strict';
import test from 'node:test';
import { slashCommand } from '../demo/slack_command.mjs';
import { HttpPeer } from './http_peer.mjs';
import { certificate, startFunction } from './task_story.mjs';

const isCommand = { 'request.path': '/slack/*', 'request.body.command': '/report' };
const tasks = (allowHosts) => [
  { name: 'report', match: isCommand, handler: { event: { job: { report: '${request.body.text}', user: '${request.body.user_name:-somebody}' } } } },
  {
    name: 'reply',
    match: isCommand,
    http: {
      url: '${request.body.response_url}',
      json: { response_type: 'ephemeral', text: 'The report about ${request.body.text} is ready.' },
      allowHosts,
    },
  },
];

async function start(t, allowHosts = ['localhost', '127.0.0.0/8', '::1'], workMs = 1000) {
  const tls = certificate(t);
  const slack = await HttpPeer.start(t, [{ status: 200, body: 'ok' }], tls);
  const story = await startFunction(t, tasks(allowHosts), {
    folder: 'slack-configured',
    env: { SSL_CERT_FILE: tls.ca, WORK_MS: String(workMs), POSTLUDE_CONCURRENCY: '1' },
  });
  const command = (responseUrl) => {
    const { headers, body } = slashCommand('sales & "more"', responseUrl);
    return story.call(body, { headers, at: '/slack/report' });
  };
  return { slack, story, command };
}

test('Slack has its answer at once, the report is made after it, then its result is posted', async (t) => {
  const { slack, story, command } = await start(t);
  await story.lambda.event('frozen');
  const answer = await command(slack.url('localhost', '/commands/T1/42'));
  t.diagnostic(`answered after ${answer.ms.toFixed(1)} ms`);
  assert.equal(answer.status, 200);
  assert.equal(JSON.parse(answer.text).text, 'Working on it');
  assert.ok(answer.ms < 1000, `${answer.ms} ms: the report alone takes 1000`);
  const posted = await slack.request();
  assert.ok(story.lambda.log.some((line) => line.startsWith('report sales & "more" for ')), 'made before it is posted');
  assert.equal(posted.url, '/commands/T1/42');
  assert.equal(posted.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(posted.body), {
    response_type: 'ephemeral',
    text: 'The report about sales & "more" is ready.',
  });
  const receipt = await story.receipt();
  assert.deepEqual(receipt.tasks.map(({ name, state }) => [name, state]), [['report', 'done'], ['reply', 'done']]);
  assert.ok(receipt.heldMs >= 1000);
});

test('other requests have no tasks, and no receipt', async (t) => {
  const { slack, story, command } = await start(t);
  assert.equal((await story.call('command=%2Freport', { at: '/slack/x' })).status, 200); // no form
  assert.equal((await story.call('{}', { at: '/other' })).status, 200);
  await command(slack.url('localhost'));
  const receipt = await story.receipt();
  assert.equal(receipt.tasks.length, 2);
  assert.equal(slack.requests.length, 1);
});

test('a command that names another address as its response_url gets nothing posted', async (t) => {
  const { slack, story, command } = await start(t, ['hooks.slack.com'], 1);
  await command(slack.url('localhost'));
  const reply = await story.outcome('reply');
  assert.equal(reply.state, 'failed');
  assert.match(reply.why, /localhost.*allowHosts/);
  assert.equal(slack.connections, 0);
});
