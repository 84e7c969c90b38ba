// Lines in CloudWatch's embedded metric format, judged by the schema that its specification publishes
// (CloudWatch User Guide, "Specification: Embedded metric format"), and by what the schema cannot say.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const tools = createRequire(path.join(process.env.POSTLUDE_TEST_TOOLS, 'resolved-from-here.js'));
const Ajv = tools('ajv');
const valid = new Ajv({ strict: true, allErrors: true })
  .compile(JSON.parse(readFileSync(new URL('emf_schema.json', import.meta.url), 'utf8')));

const MOST_VALUES = 100;
const MOST_LETTERS = 1024;

export const isMetricLine = (line) => line.startsWith('{"_aws":');

// What CloudWatch makes of one line: {requestId, dimensions: {name: value}, metrics: {name: [value, ...]}}.
export function extracted(line) {
  const document = JSON.parse(line);
  assert.ok(valid(document), JSON.stringify(valid.errors));
  assert.equal(document.postlude, 'log');
  assert.equal(document._aws.CloudWatchMetrics.length, 1);
  const [{ Namespace, Dimensions, Metrics }] = document._aws.CloudWatchMetrics;
  assert.equal(Namespace, 'Postlude');
  assert.equal(Dimensions.length, 1);
  const dimensions = Object.fromEntries(Dimensions[0].map((name) => [name, document[name]]));
  for (const value of Object.values(dimensions)) {
    assert.match(value, /^[ -~]*[!-~][ -~]*$/);
    assert.ok(value.length <= MOST_LETTERS);
  }
  const metrics = Object.fromEntries(Metrics.map(({ Name }) => [Name, [document[Name]].flat()]));
  for (const [name, values] of Object.entries(metrics)) {
    assert.ok(values.length > 0 && values.length <= MOST_VALUES, `${name}: ${values.length} values`);
    assert.ok(values.every(Number.isFinite), name);
  }
  return { requestId: document.requestId, dimensions, metrics };
}
