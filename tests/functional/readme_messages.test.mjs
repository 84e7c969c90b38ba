// The messages that README.md explains stand in the sources, word for word.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { repository, section } from './readme.mjs';

const SOURCES = /^(common|runtime|extension|layer)\/.*\.(cpp|h|py|rb|js)$/;
const ANY = '…';

// A source with each of its literals in one piece: adjacent ones are joined, and quotes are as they are printed.
const printed = (text) => text
  .replace(/(?:"|')\s*\n?\s*(?:\+\s*)?(?:f?"|f?'|`)(?=[^\s,;)])/g, '')
  .replaceAll('\\"', '"');

const sources = readdirSync(repository, { recursive: false })
  .filter((name) => ['common', 'runtime', 'extension', 'layer'].includes(name))
  .flatMap((folder) => readdirSync(path.join(repository, folder), { recursive: true }).map((file) => `${folder}/${file}`))
  .filter((file) => SOURCES.test(file) && !file.startsWith('common/third_party/'))
  .map((file) => printed(readFileSync(path.join(repository, file), 'utf8')));

const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// Whether a source has these words, with one placeholder (or another literal) for each "…".
function stands(message) {
  const words = new RegExp(message.split(ANY).map((one) => quoted(one.trim())).join('[^\\n]{0,120}?'));
  return sources.some((text) => words.test(text));
}

const rows = section('Troubleshooting').text.split('\n').filter((line) => line.startsWith('| `'));
const messages = rows.flatMap((row) => [...row.split(' | ')[0].matchAll(/`([^`]+)`/g)].map(([, text]) => text));

test('there are messages, and no two are the same', () => {
  assert.ok(sources.length > 100);
  assert.ok(messages.length >= rows.length && rows.length > 20);
  assert.equal(new Set(messages).size, messages.length);
});

for (const message of messages) {
  test(`"${message}" is a message of the programs`, () => {
    assert.ok(message.replaceAll(ANY, '').trim().length >= 10, 'too short to find anything by');
    assert.ok(stands(message));
  });
}

test('what no program says is not found', () => {
  assert.ok(!stands('the extension … is replaced by a queue'));
});
