// CloudFormation templates as plain objects: short forms of intrinsic functions become the long ones.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { require } from './aws_peer.mjs';
import { tests } from './task_story.mjs';

const YAML = require('yaml');

export const root = path.resolve(tests, '..');
export const file = path.join(root, 'template.yaml');

const SHORT_FORMS = ['And', 'Base64', 'Equals', 'FindInMap', 'GetAZs', 'If', 'Join', 'Not', 'Or', 'Select', 'Split', 'Sub'];

// The argument may be a text, a list or a map.
const tag = (name, make) => [{}, { collection: 'seq' }, { collection: 'map' }].map((kind) => ({
  tag: `!${name}`,
  ...kind,
  resolve: (value) => make(kind.collection ? value.toJSON() : value),
}));

const customTags = [
  ...tag('Ref', (value) => ({ Ref: value })),
  ...tag('Condition', (value) => ({ Condition: value })),
  ...tag('GetAtt', (value) => ({ 'Fn::GetAtt': typeof value === 'string' ? [value.split('.')[0], value.split('.').slice(1).join('.')] : value })),
  ...SHORT_FORMS.flatMap((name) => tag(name, (value) => ({ [`Fn::${name}`]: value }))),
];

export function read(text) {
  const document = YAML.parseDocument(text, { customTags, version: '1.1' });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    throw problem;
  }
  return document.toJS();
}

export const text = () => readFileSync(file, 'utf8');

export const isFunction = ({ Type }) => Type === 'AWS::Serverless::Function' || Type === 'AWS::Lambda::Function';

// {name: resource} of its functions.
export const functionsOf = (template) => Object.fromEntries(Object.entries(template.Resources).filter(([, resource]) => isFunction(resource)));

export const isCall = (value) => {
  const keys = value && typeof value === 'object' && !Array.isArray(value) ? Object.keys(value) : [];
  return keys.length === 1 && (keys[0] === 'Ref' || keys[0].startsWith('Fn::'));
};

// Calls `tell(value, path)` for the value and everything in it.
export function walk(value, tell, at = []) {
  tell(value, at);
  if (value && typeof value === 'object') {
    Object.entries(value).forEach(([key, member]) => walk(member, tell, [...at, key]));
  }
}

// The properties of a function with those of Globals, as SAM merges them.
export function merged(shared, own) {
  if (Array.isArray(shared) && Array.isArray(own)) {
    return [...shared, ...own];
  }
  if (!shared || !own || typeof shared !== 'object' || typeof own !== 'object' || isCall(own)) {
    return own ?? shared;
  }
  return Object.fromEntries([...new Set([...Object.keys(shared), ...Object.keys(own)])].map((key) => [key, merged(shared[key], own[key])]));
}
