// SnapStart: the environment is frozen inside restore/next, and goes on as a copy of what it was then.
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { arn, AwsPeer, KEYS, REGION } from './aws_peer.mjs';
import { externalLayer, startFunction, temporaryFolder } from './task_story.mjs';

// A runtime that is ready for its snapshot, and then serves.
const script = `#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
curl -s -o /dev/null "$api/restore/next" || exit 1
echo restored
echo "proxy $AWS_LAMBDA_RUNTIME_API"
while head=$(curl -s -D - -o /dev/null "$api/invocation/next"); do
  if [ -n "$GATE" ]; then until [ -e "$GATE" ]; do sleep 0.05; done; fi
  id=$(echo "$head" | tr -d '\\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //Ip')
  curl -s -o /dev/null -d '"answered"' "$api/invocation/$id/response"
done
`;

for (const [flavour, layer] of [['default', undefined], ['external', externalLayer]]) {
  test(`${flavour} flavour: tasks of a restored environment sign with the credentials that it has now`, async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(path.join(folder, 'index.handler'), script);
    chmodSync(path.join(folder, 'index.handler'), 0o755);
    const sqs = await AwsPeer.start(t, 'sqs', { status: 200, body: '{}' });
    const endpoint = await AwsPeer.start(t, null, {
      status: 200,
      body: JSON.stringify({
        AccessKeyId: KEYS.accessKeyId, SecretAccessKey: KEYS.secretAccessKey, Token: KEYS.sessionToken,
        Expiration: new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z'),
      }),
    });
    const story = await startFunction(t, [
      { name: 'say', send: { to: arn('sqs', 'queue') } },
      { name: 'later', command: ['sh', '-c', 'sleep 0.2'] },
    ], {
      folder, layer, runtime: 'provided', options: ['--init-type', 'snap-start', '--idle-shutdown', '500ms'],
      env: {
        AWS_REGION: REGION, AWS_ENDPOINT_URL: sqs.url,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint.url}/2021-04-23/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token of the sandbox',
        // As old as the snapshot.
        AWS_ACCESS_KEY_ID: 'AKIAOLD', AWS_SECRET_ACCESS_KEY: 'old', AWS_SESSION_TOKEN: 'old',
      },
    });
    await story.lambda.event('initDone');
    assert.deepEqual(endpoint.requests, []); // nothing was fetched into the snapshot
    assert.equal((await story.call('{}')).status, 200);
    assert.deepEqual((await story.receipt()).tasks.map(({ name, state }) => [name, state]), [['say', 'done'], ['later', 'done']]);
    assert.equal(endpoint.requests.length, 1);
    assert.equal(endpoint.requests[0].fields.authorization, 'token of the sandbox');
    assert.equal(sqs.requests.length, 1); // whose signature is checked with the new keys
    const registered = await story.lambda.event('extensionRegistered');
    const { ms } = await story.lambda.event('restoreNext');
    assert.ok(registered.ms <= ms, 'registration closes with restore/next');
    assert.deepEqual((await story.lambda.event('shutdown')).leftovers, []);
  });
}

// Of one published version: same code, same configuration, same variables. The copy of memory itself, which the emulator cannot
// make of real processes, is in tests/unit/extension/snapshot_copies_test.cpp.
for (const [flavour, layer] of [['default', undefined], ['external', externalLayer]]) {
  test(`${flavour} flavour: two environments of a snapshot share no id, no port, no credentials and no spool`, async (t) => {
    const folder = temporaryFolder(t);
    const gate = path.join(folder, 'gate');
    writeFileSync(path.join(folder, 'index.handler'), script);
    chmodSync(path.join(folder, 'index.handler'), 0o755);
    const sqs = await AwsPeer.start(t, null, { status: 200, body: '{}' });
    let fetched = 0;
    const endpoint = await AwsPeer.start(t, null, () => ({
      status: 200,
      body: JSON.stringify({
        AccessKeyId: `AKIAFRESH${(fetched += 1)}`, SecretAccessKey: 'secret', Token: 'token',
        Expiration: new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z'),
      }),
    }));
    const story = await startFunction(t, [
      { name: 'say', send: { to: arn('sqs', 'queue') } },
      { name: 'again', handler: {} },
    ], {
      folder, layer, runtime: 'provided', options: ['--init-type', 'snap-start', '--max-environments', '2'],
      env: {
        GATE: gate, AWS_REGION: REGION, AWS_ENDPOINT_URL: sqs.url,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint.url}/2021-04-23/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token of the sandbox',
        AWS_ACCESS_KEY_ID: 'AKIAOLD', AWS_SECRET_ACCESS_KEY: 'old', AWS_SESSION_TOKEN: 'old',
      },
    });
    const answers = [story.call('{}'), story.call('{}')];
    await story.lambda.event('eventDelivered', 2); // the first one waits yet
    const spooled = readdirSync(story.spool);
    writeFileSync(gate, '');
    assert.deepEqual((await Promise.all(answers)).map(({ status }) => status), [200, 200]);
    const receipts = [await story.receipt(1), await story.receipt(2)];
    const differ = (what, values) => assert.equal(new Set(values).size, 2, `${what}: ${values}`);
    differ('requests', receipts.map(({ requestId }) => requestId));
    differ('handler attempts', receipts.flatMap(({ handlerRequestIds }) => handlerRequestIds));
    for (const name of ['say', 'again']) {
      const tasks = receipts.map((receipt) => receipt.tasks.find((task) => task.name === name));
      assert.deepEqual(tasks.map(({ state }) => state), ['done', 'done']);
      differ(`tasks ${name}`, tasks.map(({ id }) => id));
    }
    differ('proxies', story.lambda.log.filter((line) => line.startsWith('proxy ')));
    assert.equal(endpoint.requests.length, 2); // each for itself, after its restore
    differ('keys', sqs.requests.map(({ fields }) => /Credential=([^/]*)/.exec(fields.authorization)[1]));
    assert.ok(sqs.requests.every(({ fields }) => fields.authorization.includes('AKIAFRESH')));
    assert.equal(spooled.length, 2); // a folder each
  });
}
