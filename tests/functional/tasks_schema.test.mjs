// The JSON Schema of tasks in the layer and `postlude --check` agree, document by document: the judge of the
// schema is a validator that was not written here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';

const tools = createRequire(path.join(process.env.POSTLUDE_TEST_TOOLS, 'resolved-from-here.js'));
const Ajv2020 = tools('ajv/dist/2020').default;

const schema = JSON.parse(readFileSync(path.join(process.env.POSTLUDE_LAYER_DIR, 'share/postlude/tasks.schema.json'), 'utf8'));
const documents = JSON.parse(readFileSync(new URL('task_documents.json', import.meta.url), 'utf8'));
const check = path.join(process.env.POSTLUDE_LAYER_DIR, 'postlude');

// Strict, so that a keyword that says nothing is an error; types, keys and ends of lists stand elsewhere.
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, strictTuples: false, allErrors: true });
const valid = ajv.compile(schema);

// An entry has the document as text or as a value, or one task, which gets a name.
function textOf(entry) {
  if (entry.text !== undefined) {
    return entry.text;
  }
  return JSON.stringify(entry.task === undefined ? entry.document : [{ name: 'a', ...entry.task }]);
}

function judge(entry) {
  const text = textOf(entry);
  const { status, stdout, stderr } = spawnSync(check, ['--check', '-'], { input: text, encoding: 'utf8' });
  assert.ok(status === 0 || status === 1, `--check exits with ${status}: ${stderr}`);
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  if (status === 1) {
    assert.ok(lines.length > 0);
    for (const line of lines) {
      assert.match(line, /^-:[1-9][0-9]*:[1-9][0-9]*: ./);
    }
    assert.ok(lines.some((line) => line.includes(entry.says ?? '')), `no line says ${entry.says}: ${lines}`);
  }
  return { program: status === 0, schema: valid(JSON.parse(text)), why: lines.join('\n'), errors: valid.errors };
}

function agreeOn(kind, expected) {
  for (const entry of documents[kind]) {
    test(`${kind}: ${entry.about.replace(/[\r\n]/g, ' ')}`, () => {
      const { why, errors, ...verdicts } = judge(entry);
      assert.deepEqual(verdicts, expected, `${textOf(entry).slice(0, 500)}\n${why}\n${ajv.errorsText(errors)}`);
    });
  }
}

test('there are documents enough to tell a difference', () => {
  assert.ok(documents.valid.length >= 60 && documents.invalid.length >= 60);
  const all = [...documents.valid, ...documents.invalid, ...documents.stricter].map(textOf);
  assert.equal(new Set(all).size, all.length, 'a document comes twice');
});

test('the schema is one of draft 2020-12, and its examples and defaults are valid themselves', () => {
  assert.ok(ajv.validateSchema(schema), ajv.errorsText(ajv.errors));
  const wrong = [];
  (function walk(node, at) {
    if (node === null || typeof node !== 'object') {
      return;
    }
    if (!Array.isArray(node) && !at.endsWith('/properties')) {
      const shown = [...(Array.isArray(node.examples) ? node.examples : []), ...(node.default !== undefined ? [node.default] : [])];
      const judgeOfNode = shown.length > 0 ? ajv.compile({ ...node, $defs: schema.$defs }) : undefined;
      wrong.push(...shown.filter((value) => !judgeOfNode(value)).map((value) => `${at}: ${JSON.stringify(value)}`));
    }
    for (const [key, child] of Object.entries(node)) {
      if (!['examples', 'default', 'enum', 'const', 'required'].includes(key)) {
        walk(child, `${at}/${key}`);
      }
    }
  })(schema, '#');
  assert.deepEqual(wrong, []);
});

agreeOn('valid', { program: true, schema: true });
agreeOn('invalid', { program: false, schema: false });
// What a schema cannot say, or not without being unreadable.
agreeOn('stricter', { program: false, schema: true });
