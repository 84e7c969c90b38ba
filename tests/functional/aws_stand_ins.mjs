// Stand-ins of AWS's services that are not written here, one each for all stories of a file, and AWS's own SDK
// to read back what they took. They end with the file's last test.
import { once } from 'node:events';
import path from 'node:path';
import { after } from 'node:test';
import { pathToFileURL } from 'node:url';
import { KEYS, REGION, require } from './aws_peer.mjs';

const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { KinesisClient } = require('@aws-sdk/client-kinesis');
const { S3Client } = require('@aws-sdk/client-s3');
const { SQSClient } = require('@aws-sdk/client-sqs');
const { NodeHttpHandler } = require('@smithy/node-http-handler');
const dynalite = require('dynalite');
const kinesalite = require('kinesalite');
// It lets itself be imported only, which finds no package outside the folders above this file.
const { startFauxqs } = await import(pathToFileURL(path.join(process.env.POSTLUDE_TEST_TOOLS, 'fauxqs', 'dist', 'app.js')).href);

const listening = (server) => once(server.listen(0, '127.0.0.1'), 'listening').then(() => `http://127.0.0.1:${server.address().port}`);
export const fauxqs = await startFauxqs({ port: 0, logger: false, defaultRegion: REGION });
const tables = dynalite({ createTableMs: 0 });
const streams = kinesalite({ createStreamMs: 0, updateStreamMs: 0 });
export const endpoints = { fauxqs: fauxqs.address, dynamodb: await listening(tables), kinesis: await listening(streams) };
const client = (Client, endpoint, more = {}) =>
  new Client({ region: REGION, endpoint, credentials: KEYS, maxAttempts: 1, requestHandler: { httpAgent: { keepAlive: false } }, ...more });
export const sqs = client(SQSClient, endpoints.fauxqs);
export const s3 = client(S3Client, endpoints.fauxqs, { forcePathStyle: true });
export const dynamodb = client(DynamoDBClient, endpoints.dynamodb);
// Of itself this one speaks HTTP/2.
export const kinesis = client(KinesisClient, endpoints.kinesis, { requestHandler: new NodeHttpHandler() });
after(async () => {
  for (const each of [sqs, s3, dynamodb, kinesis]) each.destroy();
  await fauxqs.stop();
  for (const server of [tables, streams]) {
    server.closeAllConnections?.();
    server.close();
  }
});
