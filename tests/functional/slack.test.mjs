// The sample slash commands behind a Function URL: Slack has its answer within 3 seconds, the result follows.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { LocalLambda } from '../demo/local_lambda.mjs';
import { responseUrl, SECRET, slashCommand } from '../demo/slack_command.mjs';

const tests = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const runtimes = { node: null, python: `/usr/bin/python3 ${path.join(tests, 'runtimes', 'python', 'bootstrap.py')}` };

for (const [language, runtime] of Object.entries(runtimes)) {
  async function start(t) {
    const slack = await responseUrl();
    const lambda = new LocalLambda(
      path.join(tests, 'functions', `slack-${language}`),
      {
        AWS_LAMBDA_EXEC_WRAPPER: '/opt/postlude',
        NODE_PATH: '/opt/nodejs/node_modules',
        PYTHONPATH: '/opt/python',
        PYTHONDONTWRITEBYTECODE: '1',
        SLACK_SIGNING_SECRET: SECRET,
        WORK_SECONDS: '4',
      },
      ['--admission-wait', '30s'], // there is one environment, which may be at work yet
      runtime,
    );
    t.after(async () => {
      await lambda.stop();
      slack.stop();
    });
    const { url } = await lambda.event('listening');
    return { slack, lambda, call: ({ headers, body }) => fetch(url, { method: 'POST', headers, body }) };
  }

  test(`${language}: a command that works for 4 seconds is answered at once, its result is posted`, async (t) => {
    const { slack, lambda, call } = await start(t);
    await lambda.event('frozen');
    let isPosted = false;
    slack.posted.then(() => (isPosted = true));
    const began = performance.now();
    const response = await call(slashCommand('sales', slack.url));
    const took = performance.now() - began;
    assert.equal(response.status, 200);
    assert.match((await response.json()).text, /working on it/i);
    t.diagnostic(`answered after ${took.toFixed(1)} ms`);
    assert.ok(took < 3000, `${took} ms`);
    assert.equal(isPosted, false);
    assert.deepEqual(await slack.posted, { response_type: 'ephemeral', text: 'The report about sales is ready.' });
    const end = await lambda.event('invokeEnd');
    assert.equal(end.status, 'success');
    assert.ok(end.durationMs >= 4000, `${end.durationMs} ms`);
  });

  test(`${language}: what Slack did not sign, or long ago, is refused`, async (t) => {
    const { slack, lambda, call } = await start(t);
    let isPosted = false;
    slack.posted.then(() => (isPosted = true));
    const forged = slashCommand('sales', slack.url, { secret: 'another' });
    const old = slashCommand('sales', slack.url, { at: Date.now() - 400_000 });
    const unsigned = { ...forged, headers: { 'Content-Type': forged.headers['Content-Type'] } };
    for (const command of [forged, old, unsigned]) {
      assert.equal((await call(command)).status, 401);
    }
    await lambda.event('invokeEnd', 3);
    assert.equal(isPosted, false);
  });
}
