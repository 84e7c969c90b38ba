// What README.md shows is played by somebody, and what it names is there.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { blocks, headings, page, repository } from './readme.mjs';

const read = (file) => readFileSync(path.join(repository, file), 'utf8');
const stories = read('tests/CMakeLists.txt');
const makefile = read('Makefile');
const ci = read('.ci/run');
const NEEDS_ACCOUNT = 'needs an AWS account';
const where = ({ line, heading }) => `the block of line ${line}, below "${heading}"`;
const readers = readdirSync(path.join(repository, 'tests', 'functional'))
  .filter((file) => file.endsWith('.test.mjs') && read(`tests/functional/${file}`).includes('blocksFor('))
  .map((file) => file.replace('.test.mjs', ''));

// What `make TARGET` makes: itself, and what it depends on.
function made(target) {
  const rule = new RegExp(`^${target}:(.*)$`, 'm').exec(makefile);
  assert.ok(rule, `the Makefile has no target "${target}"`);
  return [target, ...rule[1].split(' ').filter(Boolean).flatMap(made)];
}

// Commands of CI: each line is a target of make that .ci/run makes, as its own or on the way.
function checkCi(block) {
  const [, list] = /^for target in (.+); do$/m.exec(ci);
  const targets = list.split(' ').flatMap(made);
  for (const line of block.text.trim().split('\n')) {
    const [, target] = /^make (\S+)$/.exec(line) ?? assert.fail(`${where(block)}: "${line}" is more than a target of make`);
    assert.ok(targets.includes(target), `${where(block)}: .ci/run does not make ${target}`);
  }
}

// A test that takes blocks out of the page (each of them asserts that it left out none of its own).
function checkRun(block, name) {
  const file = `tests/functional/${name}.test.mjs`;
  assert.ok(existsSync(path.join(repository, file)), `${where(block)}: there is no ${file}`);
  assert.match(stories, new RegExp(`^add_node_story\\(${name}[ )]`, 'm'), `${where(block)}: ${name} is not registered`);
  const source = read(file);
  assert.ok(source.includes(`blocksFor('${name}')`) && /^\w+\.closing\(\);$/m.test(source), `${file} does not take blocks of README.md`);
}

// Only what talks to AWS may wait for an account: its commands, and what Terraform reads.
function checkAccount(block) {
  if (block.language === 'hcl') {
    return;
  }
  const commands = block.text.replaceAll('\\\n', ' ').trim().split('\n');
  const foreign = commands.filter((line) => !/^(#|(aws|sam|cdk|npx cdk|terraform) )/.test(line));
  assert.deepEqual(block.language === 'sh' ? foreign : [block.language], [], `${where(block)} needs no AWS account`);
}

test('every block says who plays it, and somebody does', () => {
  assert.ok(blocks.length > 0);
  for (const block of blocks) {
    const [, kind, what] = /^(run|ci): (\S+)$/.exec(block.mark ?? '') ?? [null, block.mark];
    if (kind === 'run') {
      checkRun(block, what);
    } else if (kind === 'ci') {
      assert.equal(what, '.ci/run');
      checkCi(block);
    } else {
      assert.equal(kind, NEEDS_ACCOUNT, `${where(block)} does not say who plays it`);
      checkAccount(block);
    }
  }
});

test('every test that takes blocks is named by one', () => {
  const named = new Set(blocks.map(({ mark }) => mark?.replace('run: ', '')));
  assert.deepEqual(readers.filter((name) => name !== 'readme_blocks' && !named.has(name)), []);
});

// As GitHub makes them of headings.
const anchor = (text) => text.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-');

test('every link within the repository leads somewhere', () => {
  const anchors = headings.map(({ text }) => anchor(text));
  const targets = [...page.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map(([, link, image]) => link ?? image);
  const inside = targets.filter((one) => !one.startsWith('https://'));
  assert.ok(inside.length > 0);
  assert.deepEqual(inside.filter((one) => (one.startsWith('#') ? !anchors.includes(one.slice(1)) : !existsSync(path.join(repository, one)))), []);
});

test('every chapter is in the table of contents', () => {
  const linked = new Set([...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, one]) => one));
  const chapters = headings.filter(({ level, text }) => level === 2 && !['Contents', 'Attach it to a function'].includes(text));
  assert.ok(chapters.length > 0);
  assert.deepEqual(chapters.map(({ text }) => text).filter((text) => !linked.has(anchor(text))), []);
});

const code = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text);

test('every source file that it names exists', () => {
  const files = code.filter((text) => /^(common|docs|extension|layer|runtime|tests|\.ci)\/[\w./-]+$/.test(text));
  assert.ok(files.length > 0);
  assert.deepEqual(files.filter((file) => !existsSync(path.join(repository, file))), []);
});

test('every target of make that it names exists', () => {
  const targets = code.map((text) => /^make ([\w-]+)/.exec(text)?.[1]).filter(Boolean);
  assert.ok(targets.length > 0);
  assert.deepEqual(targets.filter((target) => !new RegExp(`^${target}:`, 'm').test(makefile)), []);
});

test('every variable of the settings has its line, and no other', () => {
  const known = [...read('runtime/settings.cpp').matchAll(/\.name = "(POSTLUDE_\w+)"/g)].map(([, name]) => name);
  const listed = [...page.matchAll(/^\| `(POSTLUDE_\w+)` \|/gm)].map(([, name]) => name);
  assert.ok(known.length > 0);
  assert.deepEqual(listed.toSorted(), known.toSorted());
});

test('the two pictures differ in their colours alone', () => {
  const [light, dark] = ['light', 'dark'].map((name) => read(`docs/timeline-${name}.svg`).replace(/#[0-9a-f]{6}/g, ''));
  assert.equal(light, dark);
  assert.notEqual(read('docs/timeline-light.svg'), read('docs/timeline-dark.svg'));
});
