// What `make layer` has packed: exactly the tree of the contract, static programs for the right processor, and a
// list of software that is true.
import assert from 'node:assert/strict';
import { randomBytes, createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { temporaryFolder, tests } from '../functional/task_story.mjs';
import { architecture, filesIn, run, zipOf } from './empty_root.mjs';

const ROOT = path.join(tests, '..');
const MOST_BYTES = 3_500_000;
const TEXTS = [
  'nodejs/node_modules/postlude/index.d.ts', 'nodejs/node_modules/postlude/index.js', 'nodejs/node_modules/postlude/index.mjs',
  'nodejs/node_modules/postlude/package.json', 'python/postlude.py', 'ruby/lib/postlude.rb', 'share/postlude/tasks.schema.json',
];
const MADE = ['share/postlude/LICENCES.txt', 'share/postlude/sbom.spdx.json'];
const FLAVOURS = [
  { flavour: '', programs: ['libexec/postlude-extension', 'postlude'], links: { bootstrap: 'postlude' } },
  {
    flavour: 'external-',
    programs: ['extensions/postlude', 'postlude'],
    links: { bootstrap: 'postlude', 'libexec/postlude-extension': '../extensions/postlude' },
  },
];
const MACHINE = { x86_64: 62, arm64: 183 };
const [EXECUTABLE, DYNAMIC, INTERPRETER, STACK] = [2, 2, 3, 0x6474e551];

// The program headers: [type, flags].
function segments(elf) {
  const [at, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
  return Array.from({ length: count }, (_, n) => [elf.readUInt32LE(at + n * size), elf.readUInt32LE(at + n * size + 4)]);
}

function unpacked(t, flavour) {
  const folder = temporaryFolder(t);
  run('unzip', ['-q', zipOf(flavour), '-d', folder]);
  return folder;
}

for (const { flavour, programs, links } of FLAVOURS) {
  const name = path.basename(zipOf(flavour));

  test(`${name} has these entries, with these modes, and no others`, () => {
    const entries = run('unzip', ['-Z', '-T', zipOf(flavour)]).split('\n').filter((line) => /^[-dl]/.test(line))
      .map((line) => line.split(/\s+/)).map((words) => [words.at(-1), words[0], words.at(-2)]);
    assert.deepEqual(new Set(entries.map(([, , date]) => date)), new Set(['19800101.000000']));
    const modes = Object.fromEntries(entries.map(([place, mode]) => [place, mode]));
    const expected = {
      ...Object.fromEntries([...TEXTS, ...MADE].map((place) => [place, '-rw-r--r--'])),
      ...Object.fromEntries(programs.map((place) => [place, '-rwxr-xr-x'])),
      ...Object.fromEntries(Object.keys(links).map((place) => [place, 'lrwxrwxrwx'])),
    };
    for (const place of Object.keys(expected)) {
      for (let folder = path.dirname(place); folder !== '.'; folder = path.dirname(folder)) {
        expected[`${folder}/`] = 'drwxr-xr-x';
      }
    }
    assert.deepEqual(modes, expected);
    assert.ok(statSync(zipOf(flavour)).size <= MOST_BYTES);
  });

  test(`${name} unpacks to the folder beside it`, (t) => {
    const folder = unpacked(t, flavour);
    const picture = path.join(path.dirname(zipOf(flavour)), flavour + architecture);
    const places = (root) => filesIn(root).map((file) => path.relative(root, file)).sort();
    assert.deepEqual(places(folder), places(picture));
    for (const place of places(folder)) {
      assert.ok(readFileSync(path.join(folder, place)).equals(readFileSync(path.join(picture, place))), place);
    }
    for (const [place, target] of Object.entries(links)) {
      assert.equal(readlinkSync(path.join(folder, place)), target);
    }
    for (const place of TEXTS) {
      assert.ok(readFileSync(path.join(folder, place)).equals(readFileSync(path.join(ROOT, 'layer', place))), place);
    }
  });

  test(`the programs of ${name} are static, for ${architecture}, and know nothing of who built them`, (t) => {
    const folder = unpacked(t, flavour);
    for (const program of programs) {
      const elf = readFileSync(path.join(folder, program));
      assert.equal(elf.toString('latin1', 0, 6), '\x7fELF\x02\x01'); // 64 bits, little-endian
      assert.deepEqual([elf.readUInt16LE(16), elf.readUInt16LE(18)], [EXECUTABLE, MACHINE[architecture]]);
      const types = segments(elf).map(([type]) => type);
      assert.ok(!types.includes(INTERPRETER) && !types.includes(DYNAMIC), program);
      assert.equal(segments(elf).find(([type]) => type === STACK)[1] & 1, 0, 'no code on the stack');
      assert.ok(!elf.includes('.symtab'), 'stripped');
      assert.ok(!elf.includes(path.resolve(ROOT)), 'no folder of this machine');
    }
  });

  test(`the software list of ${name} is SPDX 2.3, and true`, (t) => {
    const folder = unpacked(t, flavour);
    const list = JSON.parse(readFileSync(path.join(folder, 'share/postlude/sbom.spdx.json'), 'utf8'));
    const { spdxVersion, dataLicense, SPDXID, documentNamespace, creationInfo, packages, files, relationships } = list;
    assert.deepEqual([spdxVersion, dataLicense, SPDXID], ['SPDX-2.3', 'CC0-1.0', 'SPDXRef-DOCUMENT']);
    assert.ok(list.name.length > 0);
    assert.match(documentNamespace, /^https:\/\/[^#]+$/);
    assert.match(creationInfo.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.ok(creationInfo.creators.length > 0);
    creationInfo.creators.forEach((creator) => assert.match(creator, /^(Tool|Person|Organization): \S/));

    const ids = [SPDXID, ...packages.map((one) => one.SPDXID), ...files.map((one) => one.SPDXID)];
    assert.equal(new Set(ids).size, ids.length);
    ids.forEach((id) => assert.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/));
    const related = (kind) => relationships.filter(({ relationshipType }) => relationshipType === kind);
    for (const { spdxElementId, relatedSpdxElement, relationshipType } of relationships) {
      assert.ok(ids.includes(spdxElementId) && ids.includes(relatedSpdxElement), relationshipType);
      assert.match(relationshipType, /^(DESCRIBES|GENERATED_FROM|STATIC_LINK)$/);
    }
    const [{ relatedSpdxElement: layer }, ...more] = related('DESCRIBES');
    assert.deepEqual(more, []);

    for (const { name: software, versionInfo, downloadLocation, licenseConcluded, filesAnalyzed } of packages) {
      assert.ok(software && versionInfo && downloadLocation, software);
      assert.match(licenseConcluded, /^[A-Za-z0-9.-]+( WITH [A-Za-z0-9.-]+)?$/);
      assert.equal(filesAnalyzed, false); // so that none may contain a file
    }
    const linked = related('STATIC_LINK').map(({ spdxElementId, relatedSpdxElement }) => {
      assert.equal(spdxElementId, layer);
      return packages.find((one) => one.SPDXID === relatedSpdxElement);
    });
    assert.equal(linked.length, packages.length - 1);
    const names = new Set(linked.map((one) => one.name));
    for (const software of ['openssl', 'glibc', 'gcc', 'nlohmann-json', 'fmt', 'cpp-httplib']) {
      assert.ok(names.has(software), software);
    }
    const licences = readFileSync(path.join(folder, 'share/postlude/LICENCES.txt'), 'utf8');
    linked.filter((one) => one.name !== 'gcc').forEach((one) => assert.ok(licences.includes(`${one.name} ${one.versionInfo}`), one.name));

    assert.deepEqual(files.map(({ fileName }) => fileName).sort(), ['./libexec/postlude-extension', './postlude']);
    assert.deepEqual(related('GENERATED_FROM').map((one) => one.spdxElementId).sort(), files.map((one) => one.SPDXID).sort());
    for (const { fileName, checksums } of files) {
      assert.deepEqual(checksums.map(({ algorithm }) => algorithm), ['SHA1', 'SHA256']);
      for (const { algorithm, checksumValue } of checksums) {
        const hash = createHash(algorithm.toLowerCase()).update(readFileSync(path.join(folder, fileName))).digest('hex');
        assert.equal(checksumValue, hash, `${fileName} ${algorithm}`);
      }
    }
  });
}

test('a layer above the limit is not packed', (t) => {
  const folder = temporaryFolder(t);
  const picture = path.join(folder, 'picture');
  const pack = (bytes) => {
    mkdirSync(picture, { recursive: true });
    writeFileSync(path.join(picture, 'program'), randomBytes(bytes), { mode: 0o755 });
    return spawnSync(path.join(ROOT, 'layer/packaging/pack'), [picture, path.join(folder, 'layer.zip')], { encoding: 'utf8' });
  };
  const small = pack(MOST_BYTES - 1000);
  assert.deepEqual([small.status, small.stderr], [0, '']);
  const large = pack(MOST_BYTES + 1);
  assert.equal(large.status, 1);
  assert.match(large.stderr, /larger than a layer of Postlude may be/);
});
