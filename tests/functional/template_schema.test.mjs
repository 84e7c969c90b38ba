// template.yaml before the judges of template_judges.mjs, and everything in it that refers to something.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { temporaryFolder } from './task_story.mjs';
import { judgeTypes, judgeValues } from './template_judges.mjs';
import { functionsOf, isCall, merged, read, root, text, walk } from './template_reader.mjs';

const source = text();
const template = read(source);

// What a slip of a hand can do: {what: [text, what becomes of its first place]}. Each must be found.
const slips = {
  'a misspelt property of a function': ['CodeUri: tests/functions/api/', 'CodeUris: tests/functions/api/'],
  'a misspelt property of the layer': ['LicenseInfo:', 'LicenceInfo:'],
  'a misspelt property of Globals': ['    MemorySize: 256', '    MemorySizes: 256'],
  'a misspelt property of a queue': ['SqsManagedSseEnabled:', 'SqsManagedSse:'],
  'a misspelt property in a property': ['InvokeMode:', 'InvokeModus:'],
  'a misspelt property of an event source': ['            Path: /orders', '            Pfad: /orders'],
  'a misspelt key of a statement': ['Effect: Allow', 'Efect: Allow'],
  'a misspelt type of resource': ['AWS::SQS::Queue', 'AWS::SQS::Queues'],
  'a misspelt type of SAM': ['AWS::Serverless::LayerVersion', 'AWS::Serverless::Layer'],
  'a text for a number': ['Timeout: 30', 'Timeout: thirty'],
  'a text for a list': ['      CompatibleArchitectures:\n        - !Ref Architecture', '      CompatibleArchitectures: x86_64'],
  'a text for a number of a queue': ['MessageRetentionPeriod: 1209600', 'MessageRetentionPeriod: long'],
  'a list for a text': ['Handler: main', 'Handler: [main]'],
  'a value that does not exist': ['InvokeMode: RESPONSE_STREAM', 'InvokeMode: STREAM'],
  'a runtime that does not exist': ['Runtime: python3.13', 'Runtime: python2.13'],
  'a number out of range': ['Timeout: 30', 'Timeout: 901'],
  'a required property of the layer that is missing': [/ +ContentUri: .*\n/, ''],
  'a required property of a Function URL that is missing': [/ +AuthType: .*\n/, ''],
  'a reference to nothing': ['- !Ref PostludeLayer', '- !Ref PostludeLayr'],
  'an attribute of nothing': ['!GetAtt UndeliveredQueue.Arn', '!GetAtt UndeliveredQueu.Arn'],
  'an attribute that a queue does not have': ['!GetAtt UndeliveredQueue.Arn', '!GetAtt UndeliveredQueue.Arm'],
  'a substitution of nothing': ['${ShippingQueue.Arn}', '${ShipingQueue.Arn}'],
};

test('both judges take the template as it is, and together find every slip of a hand', (t) => {
  const folder = temporaryFolder(t);
  const texts = { template: source };
  for (const [what, [from, to]] of Object.entries(slips)) {
    texts[what.replaceAll(' ', '-')] = source.replace(from, to);
    assert.notEqual(texts[what.replaceAll(' ', '-')], source, `${what}: nothing to change`);
  }
  const templates = Object.fromEntries(Object.entries(texts).map(([name, each]) => [name, read(each)]));
  const ofTypes = judgeTypes(templates);
  const problems = (name) => [...ofTypes[name], ...judgeValues(folder, texts[name], templates[name])];
  assert.deepEqual(problems('template'), []);
  const missed = [];
  for (const name of Object.keys(texts).filter((each) => each !== 'template')) {
    const found = problems(name);
    t.diagnostic(`${name}: ${found[0]?.split('\n')[0].slice(0, 160) ?? 'NOT FOUND'}`);
    if (found.length === 0) {
      missed.push(name);
    }
  }
  assert.deepEqual(missed, []);
});

// {Ref: ...} and {Fn::GetAtt: ...} of a value and those inside of Fn::Sub: [name, attribute or null].
function references(all) {
  const found = [];
  walk(all, (value) => {
    if (!isCall(value)) {
      return;
    }
    const [[call, argument]] = Object.entries(value);
    if (call === 'Ref') {
      found.push([argument, null]);
    } else if (call === 'Fn::GetAtt') {
      found.push([argument[0], argument[1]]);
    } else if (call === 'Fn::Sub') {
      const [format, own] = Array.isArray(argument) ? argument : [argument, {}];
      for (const [, name] of format.matchAll(/\$\{([^!}][^}]*)\}/g)) {
        if (!(name in own)) {
          found.push([name.split('.')[0], name.split('.')[1] ?? null]);
        }
      }
    }
  });
  return found;
}

test('every reference names a parameter, a resource, or what SAM makes of one', () => {
  const functions = functionsOf(template);
  const implied = [
    ...Object.entries(functions).filter(([, { Properties }]) => Properties.FunctionUrlConfig).map(([id]) => `${id}Url`),
    ...(Object.values(functions).some(({ Properties }) => Object.values(Properties.Events ?? {}).some(({ Type }) => Type === 'HttpApi')) ? ['ServerlessHttpApi'] : []),
  ];
  const known = new Set([...Object.keys(template.Parameters), ...Object.keys(template.Resources), ...implied, 'AWS::Region', 'AWS::URLSuffix']);
  const all = references(template);
  assert.ok(all.length > 15, `${all.length} references`);
  assert.deepEqual(all.filter(([name]) => !known.has(name)), []);
  const used = new Set(all.map(([name]) => name));
  assert.deepEqual(Object.keys(template.Parameters).filter((name) => !used.has(name)), [], 'parameters that nothing uses');
  assert.deepEqual(all.filter(([name, attribute]) => attribute !== null && name in template.Parameters), [], 'parameters have no attributes');
});

// Where a handler of a runtime is: [file, what must stand in it].
const places = {
  nodejs: (folder, handler) => [
    ['.js', '.mjs', '.cjs'].map((ending) => path.join(folder, handler.split('.')[0] + ending)).find(existsSync),
    new RegExp(`(exports\\.|export (const|function|async function) )${handler.split('.')[1]}\\b`),
  ],
  python: (folder, handler) => [path.join(folder, `${handler.split('.')[0]}.py`), new RegExp(`^def ${handler.split('.')[1]}\\(event, context\\):`, 'm')],
  provided: (folder, handler) => [path.join(folder, handler), /^#!\/bin\/sh\n/],
};

test('every CodeUri is a folder of the repository with the handler that is named', () => {
  for (const [name, { Properties }] of Object.entries(functionsOf(template))) {
    const { CodeUri, Handler, Runtime } = merged(template.Globals.Function, Properties);
    const folder = path.join(root, CodeUri);
    assert.ok(statSync(folder).isDirectory(), `${name}: ${folder}`);
    const family = /^[a-z]+/.exec(Runtime)[0];
    const [file, form] = places[family](folder, Handler);
    assert.match(readFileSync(file, 'utf8'), form, `${name}: ${Handler}`);
    if (family === 'provided') {
      accessSync(file, constants.X_OK);
      assert.ok(!readdirSync(folder).includes('bootstrap'), `${name}: its own bootstrap would win over the layer's`);
    }
  }
});

test('for each architecture there is the Makefile that sam runs for the layer', () => {
  const { Properties, Metadata } = template.Resources.PostludeLayer;
  assert.equal(Metadata.BuildMethod, 'makefile');
  for (const architecture of template.Parameters.Architecture.AllowedValues) {
    const folder = Properties.ContentUri['Fn::Sub'].replace('${Architecture}', architecture);
    const makefile = readFileSync(path.join(root, folder, 'Makefile'), 'utf8');
    assert.match(makefile, new RegExp(`^build-PostludeLayer:\\n\\t.* ARCH=${architecture}$`, 'm'));
  }
});

// The resources whose ARN stands in a value.
const arns = (value) => new Set(references(value).filter(([, attribute]) => attribute === 'Arn').map(([name]) => name));

test("sam's call of that Makefile builds one architecture into the folder that sam names", (t) => {
  const scratch = temporaryFolder(t); // sam runs make in a copy of the folder
  const makefile = path.join(root, 'layer', 'sam', 'arm64', 'Makefile');
  const dry = execFileSync('make', ['--dry-run', '--makefile', makefile, 'build-PostludeLayer'], {
    cwd: scratch, encoding: 'utf8', env: { ...process.env, ARTIFACTS_DIR: '/the/artifacts', MAKEFLAGS: '' },
  });
  assert.match(dry, /for architecture in arm64; do/);
  assert.match(dry, new RegExp(`cp -a ${root}/build/layer/arm64/\\. "/the/artifacts"`));

  const build = temporaryFolder(t);
  mkdirSync(path.join(build, 'layer', 'arm64'), { recursive: true });
  writeFileSync(path.join(build, 'layer', 'arm64', 'postlude'), 'program', { mode: 0o755 });
  const make = (...words) => spawnSync('make', ['--old-file=layer', '-C', root, 'build-PostludeLayer', `BUILD=${build}`, ...words], {
    encoding: 'utf8', env: { ...process.env, MAKEFLAGS: '' },
  });
  const artifacts = path.join(scratch, 'artifacts');
  assert.equal(make('ARCH=arm64', `ARTIFACTS_DIR=${artifacts}`).status, 0);
  assert.equal(statSync(path.join(artifacts, 'postlude')).mode & 0o777, 0o755);
  assert.match(make('ARCH=arm64').stderr, /'sam build' sets ARTIFACTS_DIR/);
  assert.match(make(`ARTIFACTS_DIR=${artifacts}`).stderr, /one architecture, for example ARCH=arm64/);
});

test('a function may reach what its tasks name and nothing else', () => {
  for (const [name, { Properties }] of Object.entries(functionsOf(template))) {
    const targets = arns(Properties.Environment ?? {});
    const allowed = arns(Properties.Policies ?? []);
    assert.deepEqual([...allowed].sort(), [...targets].sort(), name);
    walk(Properties.Policies ?? [], (value) => assert.ok(typeof value !== 'string' || !value.includes('*'), `${name}: ${value}`));
  }
});
