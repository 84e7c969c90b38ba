// The code blocks of README.md for the tests that play them. The line above a block says who does:
// "<!-- run: NAME -->" is tests/functional/NAME.test.mjs, which takes it from here as it stands.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

export const repository = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
export const page = readFileSync(path.join(repository, 'README.md'), 'utf8');

const FENCE = /^```(.*)$/;
const MARK = /^<!-- (.+) -->$/;
const HEADING = /^(#+) (.+)$/;

// {blocks, headings, lines}. A block is {line, heading, language, mark, text}, `heading` the nearest above it; a
// heading {at, level, text}.
function read(lines) {
  const found = { blocks: [], headings: [], lines };
  let open = null;
  lines.forEach((line, at) => {
    const [, language] = FENCE.exec(line) ?? [];
    const [, marks, text] = HEADING.exec(line) ?? [];
    if (open && language === '') {
      found.blocks.push({ ...open, text: `${lines.slice(open.line, at).join('\n')}\n` });
      open = null;
    } else if (!open && language !== undefined) {
      open = { line: at + 1, heading: found.headings.at(-1)?.text, language, mark: MARK.exec(lines[at - 1])?.[1] ?? null };
    } else if (!open && marks) {
      found.headings.push({ at, level: marks.length, text });
    }
  });
  assert.equal(open, null, `the block of line ${open?.line} has no end`);
  return found;
}

const { blocks, headings, lines } = read(page.split('\n'));
export { blocks, headings };

// From below that heading to the next one of its level or above.
export function section(text) {
  const [heading, ...more] = headings.filter((one) => one.text === text);
  assert.ok(heading && more.length === 0, `README.md needs one section "${text}"`);
  const next = headings.find(({ at, level }) => at > heading.at && level <= heading.level);
  return { text: lines.slice(heading.at + 1, next?.at).join('\n'), headings: headings.filter(({ at }) => at > heading.at && at < (next?.at ?? Infinity)) };
}

// The blocks that are marked for the test of that name.
export function blocksFor(name) {
  const mine = blocks.filter(({ mark }) => mark === `run: ${name}`);
  const taken = new Set();
  return {
    all: mine,
    // The texts of those of that language right below that heading. None is an error.
    take(heading, language) {
      const wanted = mine.filter((block) => block.heading === heading && block.language === language);
      assert.ok(wanted.length > 0, `README.md has no block of ${language} marked "run: ${name}" below "${heading}"`);
      wanted.forEach((block) => taken.add(block));
      return wanted.map(({ text }) => text);
    },
    // To be called last.
    closing() {
      test('no block that README.md marks for this test is left out', () => {
        assert.ok(mine.length > 0);
        assert.deepEqual(mine.filter((block) => !taken.has(block)).map(({ line, heading }) => `line ${line}, "${heading}"`), []);
      });
    },
  };
}
