// Requests signed by us, checked against two independent signers: every field that signing adds, byte for byte.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';

const require = createRequire(path.join(process.env.POSTLUDE_TEST_TOOLS, 'from-here'));
const aws4 = require('aws4');
const { SignatureV4 } = require('@smithy/signature-v4');
const { Sha256 } = require('@aws-crypto/sha256-js');

const COUNT = 700;
const SERVICES = [
  'dynamodb', 'sqs', 'events', 'states', 'kinesis', 'firehose', 'logs', 'ssm', 'secretsmanager', 'kms', 'ecs',
  'monitoring', 's3', 'sns', 'lambda', 'ses',
];
const REGIONS = ['us-east-1', 'eu-central-1', 'cn-north-1', 'us-gov-west-1'];
const WORDS = [
  '', 'a', 'Zz', '0', '-._~', 'ä', '日本', '😀', 'a b', 'a+b', 'a%b', '%20', '%2F', '!*\'()', ';:@&=$,', '<>"`', '\\^|{}[]',
  'arn:aws:lambda:eu-west-1:123456789012:function:f', 'line\nfeed', '\x7f', 'x'.repeat(300),
];

// A generator with a seed of its own (mulberry32), so that a failing request can be made again.
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function pathOf(pick, isS3) {
  const segments = Array.from({ length: pick(5) }, () => WORDS[pick(WORDS.length)]);
  if (!isS3 && pick(3) === 0) segments.splice(pick(segments.length + 1), 0, ['.', '..', ''][pick(3)], 'end');
  return `/${segments.map(encode).join('/')}${segments.length > 0 && pick(4) === 0 ? '/' : ''}`;
}

// aws4 drops keys that are empty, and all but the first value of a key in S3: such queries are not made.
function queryOf(pick, isS3) {
  const query = new Map();
  for (let left = pick(5); left > 0; left--) {
    const key = WORDS[1 + pick(WORDS.length - 1)];
    const values = query.get(key) ?? [];
    if (values.length === 0 || !isS3) query.set(key, [...values, WORDS[pick(WORDS.length)]]);
  }
  return query;
}

function bodyOf(pick) {
  const size = [0, 0, 1, 20, 5000, 300_000][pick(6)];
  return Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + size) & 0xff));
}

function requestOf(pick) {
  const service = SERVICES[pick(SERVICES.length)];
  const isS3 = service === 's3';
  const region = REGIONS[pick(REGIONS.length)];
  const query = queryOf(pick, isS3);
  const pairs = [...query].flatMap(([key, values]) => values.map((value) => `${encode(key)}=${encode(value)}`));
  const body = bodyOf(pick);
  const fields = [['Content-Type', ['application/json', 'application/x-amz-json-1.1', 'text/plain;  charset=utf-8'][pick(3)]]];
  if (body.length > 0) fields.push(['Content-Length', String(body.length)]);
  if (pick(2)) fields.push(['X-Amz-Target', `Service_${pick(1000)}.Operation`]);
  if (pick(3) === 0) fields.push(['x-amz-meta-Words', ['  padded \t value ', 'a,b', '"quoted  words"', 'ü'][pick(4)]]);
  if (pick(3) === 0) fields.push(['X-Amzn-Trace-Id', 'Root=1-5759e988-bd862e3fe1be46a994272793']);
  if (pick(4) === 0) fields.push(['User-Agent', 'anything']);
  return {
    method: ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH'][pick(6)],
    tls: pick(2) === 0,
    host: `${service}.${region}.amazonaws.com`,
    port: [443, 80, 4566][pick(3)],
    target: pathOf(pick, isS3) + (pairs.length > 0 ? `?${pairs.sort(() => pick(3) - 1).join('&')}` : ''),
    query: Object.fromEntries([...query].map(([key, values]) => [key, values.length > 1 ? values : values[0]])),
    fields,
    body: body.toString('base64'),
    service,
    region,
    at: 1_400_000_000_000 + pick(2 ** 31) * 200,
    id: `AKID${pick(1e6)}`,
    secret: `secret/${'+k'.repeat(pick(30))}${pick(1e9)}`,
    token: pick(2) ? '' : Buffer.from(`token ${pick(1e9)}`.repeat(1 + pick(20))).toString('base64'),
  };
}

async function signedByUs(requests) {
  const signer = spawn(process.env.POSTLUDE_DRIVER, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => signer.on('exit', resolve));
  const lines = [];
  const read = (async () => {
    for await (const line of createInterface({ input: signer.stdout })) lines.push(JSON.parse(line));
  })();
  for (const { query, ...request } of requests) signer.stdin.write(`${JSON.stringify(request)}\n`);
  signer.stdin.end();
  await read;
  assert.equal(await exited, 0);
  assert.equal(lines.length, requests.length);
  return lines;
}

const hostOf = ({ tls, host, port }) => (port === (tls ? 443 : 80) ? host : `${host}:${port}`);
const dateOf = ({ at }) => new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');

// What signing adds, by lower-case name.
function added(fields) {
  const names = ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'];
  return Object.fromEntries(
    [...fields].map(([name, value]) => [name.toLowerCase(), value]).filter(([name]) => names.includes(name)),
  );
}

function signedByAws4(request) {
  const options = {
    method: request.method,
    host: hostOf(request),
    path: request.target,
    service: request.service,
    region: request.region,
    headers: { ...Object.fromEntries(request.fields), Host: hostOf(request), 'X-Amz-Date': dateOf(request) },
    body: request.body === '' ? undefined : Buffer.from(request.body, 'base64'),
  };
  aws4.sign(options, {
    accessKeyId: request.id,
    secretAccessKey: request.secret,
    sessionToken: request.token || undefined,
  });
  return added(Object.entries(options.headers));
}

async function signedBySmithy(request) {
  const isS3 = request.service === 's3';
  const signer = new SignatureV4({
    service: request.service,
    region: request.region,
    credentials: {
      accessKeyId: request.id,
      secretAccessKey: request.secret,
      ...(request.token && { sessionToken: request.token }),
    },
    sha256: Sha256,
    uriEscapePath: !isS3,
    applyChecksum: isS3,
  });
  const { headers } = await signer.sign(
    {
      method: request.method,
      protocol: request.tls ? 'https:' : 'http:',
      hostname: request.host,
      port: request.port,
      path: request.target.split('?')[0],
      query: request.query,
      headers: Object.fromEntries([
        ...request.fields.map(([name, value]) => [name.toLowerCase(), value]),
        ['host', hostOf(request)],
      ]),
      body: Buffer.from(request.body, 'base64'),
    },
    { signingDate: new Date(request.at) },
  );
  return added(Object.entries(headers));
}

test(`${COUNT} generated requests are signed as two independent signers sign them`, async (t) => {
  const pick = numbers(20150830);
  const requests = Array.from({ length: COUNT }, () => requestOf(pick));
  const ours = await signedByUs(requests);
  const seen = new Set();
  for (const [at, request] of requests.entries()) {
    const what = `request ${at}: ${request.service} ${request.method} ${request.target}`;
    const signature = added(ours[at]);
    assert.match(signature.authorization, /^AWS4-HMAC-SHA256 Credential=\S+, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/, what);
    assert.deepEqual(signature, signedByAws4(request), `aws4, ${what}`);
    assert.deepEqual(signature, await signedBySmithy(request), `@smithy/signature-v4, ${what}`);
    seen.add(signature.authorization);
  }
  assert.equal(seen.size, COUNT);
  t.diagnostic(`${COUNT} requests, ${SERVICES.length} services`);
});

test('one changed byte changes the signature', async () => {
  const pick = numbers(7);
  const request = { ...requestOf(pick), body: Buffer.from('body').toString('base64') };
  const changes = [
    { body: Buffer.from('bodY').toString('base64') },
    { target: `${request.target}x` },
    { method: `${request.method}X` },
    { at: request.at + 1000 },
    { secret: `${request.secret}x` },
    { host: `x${request.host}` },
    { fields: [...request.fields, ['X-Amz-More', '1']] },
  ];
  const [signed, ...others] = await signedByUs([request, ...changes.map((change) => ({ ...request, ...change }))]);
  const signature = (fields) => added(fields).authorization.split('Signature=')[1];
  for (const [at, other] of others.entries()) {
    assert.notEqual(signature(other), signature(signed), Object.keys(changes[at])[0]);
  }
});
