// Two judges of a SAM template, both AWS's own and offline. What each cannot see the other does:
// - the types of aws-cdk-lib/aws-sam, by the TypeScript compiler: names and types of all that is SAM's;
// - the validator of aws-cdk-lib with CloudFormation's schemas: references, required properties, values, and
//   the resources that SAM makes of a function.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { require } from './aws_peer.mjs';
import { isCall, merged } from './template_reader.mjs';

const ts = require('typescript');
const { CloudFormationValidatePlugin } = require('aws-cdk-lib');

const SAM = 'AWS::Serverless::';
// What aws-cdk-lib/aws-sam does not know yet.
const SINCE = { LayerVersion: '{ readonly compatibleArchitectures?: string[] }' };

const lowered = (name) => (/^[A-Z]/.test(name) ? name[0].toLowerCase() + name.slice(1) : name);

// A value in TypeScript as the CDK writes it; what is known at deployment only fits everywhere.
function literal(value) {
  if (isCall(value)) {
    return 'unknownYet';
  }
  if (Array.isArray(value)) {
    return `[${value.map(literal).join(', ')}]`;
  }
  if (value && typeof value === 'object') {
    return `{ ${Object.entries(value).map(([name, member]) => `${JSON.stringify(lowered(name))}: ${literal(member)}`).join(', ')} }`;
  }
  return JSON.stringify(value);
}

function program(template) {
  const parts = Object.entries(template.Resources).filter(([, { Type }]) => Type.startsWith(SAM)).map(([name, { Type, Properties = {} }]) => [name, Type.slice(SAM.length), Properties]);
  const globals = Object.entries(template.Globals ?? {}).map(([kind, properties]) => [`Globals${kind}`, kind, properties]);
  return [
    "import * as sam from 'aws-cdk-lib/aws-sam';",
    'declare const unknownYet: any;',
    ...[...parts, ...globals].map(([name, kind, properties]) =>
      `export const ${name}: sam.Cfn${kind}Props${SINCE[kind] ? ` & ${SINCE[kind]}` : ''} = ${literal(properties)};`),
    '',
  ].join('\n');
}

// TypeScript sources that need not be on the disk: {name: [what the compiler has to say, ...]}.
export function compile(sources) {
  const folder = process.env.POSTLUDE_TEST_TOOLS;
  const files = new Map(Object.entries(sources).map(([name, text]) => [path.join(folder, '..', name), text]));
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16,
  };
  const host = ts.createCompilerHost(options);
  const onDisk = { read: host.readFile, exists: host.fileExists, source: host.getSourceFile };
  host.readFile = (file) => files.get(file) ?? onDisk.read.call(host, file);
  host.fileExists = (file) => files.has(file) || onDisk.exists.call(host, file);
  host.getSourceFile = (file, version) => (files.has(file) ? ts.createSourceFile(file, files.get(file), version) : onDisk.source.call(host, file, version));
  const compiled = ts.createProgram([...files.keys()], options, host);
  return Object.fromEntries([...files.keys()].map((file) => [
    path.basename(file),
    ts.getPreEmitDiagnostics(compiled, compiled.getSourceFile(file)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  ]));
}

// What the types say of templates: {name: template} to {name: problems}.
export function judgeTypes(templates) {
  const sources = Object.fromEntries(Object.entries(templates).map(([name, template]) => [`${name}.mts`, program(template)]));
  return Object.fromEntries(Object.entries(compile(sources)).map(([name, problems]) => [path.parse(name).name, problems]));
}

// What SAM makes of one function, as far as the template decides it.
function expansion(id, properties) {
  const { CodeUri: _code, Events: _events, FunctionUrlConfig: url, Policies: policies = [], Environment, ...rest } = properties;
  const role = `${id}Role`;
  return {
    [id]: {
      Type: 'AWS::Lambda::Function',
      Properties: { ...rest, ...(Environment && { Environment }), Role: { 'Fn::GetAtt': [role, 'Arn'] }, Code: { S3Bucket: 'bucket', S3Key: 'key' } },
    },
    [role]: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } }],
        },
        Policies: policies.map((PolicyDocument, index) => ({ PolicyName: `policy${index}`, PolicyDocument })),
      },
    },
    ...(url && { [`${id}Url`]: { Type: 'AWS::Lambda::Url', Properties: { ...url, TargetFunctionArn: { Ref: id } } } }),
  };
}

function expanded(template) {
  const { Transform: _transform, Globals = {}, Resources, ...rest } = template;
  const resources = Object.entries(Resources).map(([id, resource]) => {
    if (resource.Type === `${SAM}Function`) {
      return expansion(id, merged(Globals.Function ?? {}, resource.Properties));
    }
    if (resource.Type === `${SAM}LayerVersion`) {
      const { ContentUri: _content, RetentionPolicy: _retention, ...properties } = resource.Properties;
      return { [id]: { Type: 'AWS::Lambda::LayerVersion', Properties: { ...properties, Content: { S3Bucket: 'bucket', S3Key: 'key' } } } };
    }
    return { [id]: resource };
  });
  // SAM makes an API of the events.
  const api = { ServerlessHttpApi: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'api', ProtocolType: 'HTTP' } } };
  return { ...rest, Resources: Object.assign({}, ...resources, api) };
}

const plugin = new CloudFormationValidatePlugin();

function validated(folder, name, text) {
  const templatePath = path.join(folder, name);
  writeFileSync(templatePath, text);
  const { violations } = plugin.validate({ templatePaths: [templatePath], stackTemplates: [{ templatePath }] });
  return violations.map(({ severity, ruleName, description }) => `${severity} ${ruleName}: ${description}`);
}

// Resources that SAM makes of a template are in it only after the transform.
const namesImplied = (problem, template) => Object.keys(template.Resources).some((id) => problem.includes(`GetAtt '${id}Url.FunctionUrl'`));

// What the validator says of a template, as it stands and as what SAM makes of it.
export function judgeValues(folder, text, template) {
  return [
    ...validated(folder, 'template.yaml', text).filter((problem) => !namesImplied(problem, template)),
    ...validated(folder, 'expanded.json', JSON.stringify(expanded(template))),
  ];
}
