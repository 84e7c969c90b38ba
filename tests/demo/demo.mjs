// Shows what Postlude does, on a local Lambda with AWS's own Node.js runtime client: when the caller
// has its answer, and how long the invocation goes on. Ends with 1 if a scene is not as promised.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HttpPeer } from '../functional/http_peer.mjs';
import { certificate } from '../functional/task_story.mjs';
import { LocalLambda } from './local_lambda.mjs';
import { responseUrl, SECRET, slashCommand } from './slack_command.mjs';

const run = promisify(execFile);
const functions = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'functions');
const WRAPPER = { AWS_LAMBDA_EXEC_WRAPPER: '/opt/postlude' };
const AT_ONCE_MS = 300;
const ms = (value) => `${Math.round(value)} ms`.padStart(8);
const broken = [];
const summary = [];

async function curl(args) {
  const mark = '\n--- ';
  const { stdout } = await run('curl', ['-sS', '-w', `${mark}%{time_total}`, ...args]);
  const at = stdout.lastIndexOf(mark);
  return { body: stdout.slice(0, at), took: Number(stdout.slice(at + mark.length)) * 1000 };
}

// One call; waits until the environment is frozen again. `expect` gets the two times.
async function scene(lambda, nth, title, args, expect) {
  console.log(`\n${title}`);
  console.log(`  $ curl ${args.map((a) => (/[{ ]/.test(a) ? `'${a}'` : a)).join(' ')}`);
  const logBefore = lambda.log.length;
  const call = await curl(args);
  const end = await lambda.event('invokeEnd', nth);
  await lambda.event('frozen', nth + 1); // the first one ended the init
  console.log(`  caller had the whole answer after ${ms(call.took)}   ${JSON.stringify(call.body)}`);
  console.log(`  the invocation lasted             ${ms(end.durationMs)}`);
  for (const line of lambda.log.slice(logBefore)) {
    console.log(`  | ${line}`);
  }
  summary.push(`  ${ms(call.took)}  ${ms(end.durationMs)}   ${title.split(':')[0]}`);
  if (!expect(call.took, end.durationMs)) {
    broken.push(title);
    console.log('  NOT AS PROMISED');
  }
}

const early = (longerThan) => (took, lasted) => took < AT_ONCE_MS && lasted > longerThan;
const late = (took, lasted) => took >= lasted - AT_ONCE_MS && lasted > 5000;

async function streaming() {
  const lambda = new LocalLambda(path.join(functions, 'streaming'), WRAPPER, ['--url-mode', 'stream']);
  const { invoke, url } = await lambda.event('listening');
  await lambda.event('frozen');
  const api = `${invoke}/2015-03-31/functions/function/invocations`;
  console.log('\nA streaming function: it ends its stream, then works for 5 seconds.');
  await scene(lambda, 1, '(a) Function URL, RESPONSE_STREAM', [`${url}/`], early(5000));
  await scene(lambda, 2, '(b) Invoke API', ['-d', '{}', api], early(5000));
  await scene(
    lambda, 3, '(c) Invoke API with LogType=Tail: the log is complete only at the end, so it waits',
    ['-d', '{}', '-H', 'X-Amz-Log-Type: Tail', api], late);
  await lambda.stop();
}

async function tasks() {
  const task = [{ name: 'audit', command: ['sh', '-c', 'sleep 2; echo audit record written'] }];
  console.log('\nAn ordinary buffered function, unchanged, with one task of 2 seconds:');
  console.log(`  POSTLUDE_TASKS='${JSON.stringify(task)}'`);
  const lambda = new LocalLambda(path.join(functions, 'buffered'), {
    ...WRAPPER,
    POSTLUDE_TASKS: JSON.stringify(task),
  });
  const { invoke } = await lambda.event('listening');
  await lambda.event('frozen');
  await scene(
    lambda, 1, '(d) Invoke API, a task of 2 seconds',
    ['-d', '{"order":42}', `${invoke}/2015-03-31/functions/function/invocations`], early(2000));
  await lambda.stop();
}

async function slack() {
  const posted = await responseUrl();
  const lambda = new LocalLambda(path.join(functions, 'slack-node'), {
    ...WRAPPER,
    NODE_PATH: '/opt/nodejs/node_modules',
    SLACK_SIGNING_SECRET: SECRET,
  });
  const { url } = await lambda.event('listening');
  await lambda.event('frozen');
  console.log('\nA Slack slash command, which must be answered in 3 seconds and works for 5 (postlude.after):');
  const { body, headers } = slashCommand('sales', posted.url);
  const signed = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  await scene(lambda, 1, '(e) Slack command, result posted later', [...signed, '-d', body, `${url}/`], early(5000));
  console.log(`  posted to response_url: ${JSON.stringify((await posted.posted).text)}`);
  await lambda.stop();
  posted.stop();
}

async function slackConfigured() {
  const ends = [];
  const scope = { after: (end) => ends.unshift(end) };
  const tls = certificate(scope);
  const slackEnd = await HttpPeer.start(scope, [{ status: 200 }], tls);
  const isReport = { 'request.body.command': '/report' };
  const tasks = [
    { name: 'report', match: isReport, handler: { event: { job: { report: '${request.body.text}' } } } },
    {
      name: 'reply',
      match: isReport,
      http: {
        url: '${request.body.response_url}',
        allowHosts: ['localhost', '127.0.0.0/8', '::1'],
        json: { text: 'The report about ${request.body.text} is ready.' },
      },
    },
  ];
  const lambda = new LocalLambda(path.join(functions, 'slack-configured'), {
    ...WRAPPER,
    POSTLUDE_TASKS: JSON.stringify(tasks),
    POSTLUDE_CONCURRENCY: '1',
    SSL_CERT_FILE: tls.ca,
    WORK_MS: '5000',
  });
  const { url } = await lambda.event('listening');
  await lambda.event('frozen');
  console.log('\nThe same by configuration alone, around a function that knows nothing of it:');
  console.log(`  POSTLUDE_TASKS='${JSON.stringify(tasks)}'`);
  const { body, headers } = slashCommand('sales', slackEnd.url('localhost', '/commands/1'));
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  await scene(lambda, 1, '(f) Slack command, handler and http task', [...fields, '-d', body, `${url}/`], early(5000));
  const posted = await slackEnd.request();
  console.log(`  posted to response_url: ${JSON.stringify(JSON.parse(posted.body).text)}`);
  await lambda.stop();
  for (const end of ends) {
    await end();
  }
}

await streaming();
await tasks();
await slack();
await slackConfigured();
if (broken.length > 0) {
  console.error(`\nNot as promised: ${broken.join('; ')}`);
  process.exit(1);
}
console.log('\n  answered   invocation');
console.log(summary.join('\n'));
console.log('\nEvery caller of (a), (b), (d), (e) and (f) had its answer at once; the work was finished afterwards.');
