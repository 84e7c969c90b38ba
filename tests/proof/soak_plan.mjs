// What the soak does, by chance: the tasks, what each invocation is made of, and what is done to its environment.
import { arn } from '../functional/aws_peer.mjs';
import { actorTask } from './environment.mjs';

// Each task matches the events whose "tasks" has its letter.
const matched = (letter, task) => ({ ...task, match: { 'event.tasks': `*${letter}*` } });
const RETRIED = { attempts: 2, backoff: '5ms' };
export const QUEUES = { letters: arn('sqs', 'letters'), sent: arn('sqs', 'sent') };

export const tasks = (peer) => [
  matched('c', actorTask('command', RETRIED)),
  matched('o', actorTask('once', { replay: false })),
  matched('f', actorTask('fails', RETRIED)),
  matched('l', actorTask('letter', { deadLetter: QUEUES.letters })),
  matched('h', { name: 'call', http: { method: 'POST', url: peer.url() } }),
  matched('r', { name: 'carry', http: { method: 'POST', url: peer.url('127.0.0.1', '/later') }, attempts: 8 }),
  matched('s', { name: 'send', send: { to: QUEUES.sent }, attempts: 5 }),
  matched('n', { name: 'again', handler: { event: { moves: 'answer' } }, attempts: 3 }),
  actorTask('later', { trigger: 'demand', ...RETRIED }),
  matched('a', actorTask('alarm', { when: 'failure', ...RETRIED })),
];
const LETTERS = { command: 'c', once: 'o', fails: 'f', letter: 'l', call: 'h', carry: 'r', send: 's', again: 'n' };

// How a task may end: what its attempts do decides, or a crash between them.
export const ALLOWED = {
  command: ['done'], once: ['done', 'expired'], fails: ['failed'], letter: ['spilled'], call: ['done'],
  carry: ['done'], send: ['done'], again: ['done'], later: ['done'], alarm: ['done'],
};
// By the stage's word: the attempts of these two fail.
export const wordFor = (id) => (/\/(fails|letter)\//.test(id) ? 1 : 0);

const CHANCES = { c: 0.4, o: 0.1, f: 0.05, l: 0.04, h: 0.25, r: 0.01, s: 0.04, n: 0.05 };

// {moves, tasks}: the event of one invocation.
export function invocation(random) {
  const letters = Object.entries(CHANCES).filter(([, chance]) => random.chance(chance)).map(([letter]) => letter).join('');
  const answer = random.chance(0.06) ? 'fail' : random.chance(0.2) ? 'begin end' : 'answer';
  return { moves: random.chance(0.08) ? `defer:later ${answer}` : answer, tasks: `-${letters}a` };
}

// The names of the tasks that an invocation with that event must have if it ended as the platform wants it.
export function acceptedOf({ moves, tasks: letters }) {
  const later = moves.startsWith('defer') ? ['later'] : [];
  if (moves.endsWith('fail')) return ['alarm', ...later];
  return [...Object.keys(LETTERS).filter((name) => letters.includes(LETTERS[name])), ...later];
}

// One kind of trouble an environment: the first one is never killed, so that its memory tells of 5,000 invocations.
export const TROUBLES = [
  { freeze: 0.004 },
  { extension: 0.01, freeze: 0.004 },
  { shim: 0.006, runtime: 0.006 },
  { extension: 0.005, shim: 0.003, runtime: 0.003, freeze: 0.003, pause: 0.006 },
];
const PAUSED_MS = 300;
const SOON_MS = 30;

// {what, afterMs, of, ms} of one invocation, or null. `pause` stops one of the processes for a while.
export function trouble(random, chances) {
  const lot = random.next();
  const afterMs = random.next() * SOON_MS;
  const ms = Math.ceil(random.next() * PAUSED_MS);
  const of = random.pick(['shim', 'extension', 'runtime']);
  let sum = 0;
  for (const [what, chance] of Object.entries(chances)) {
    sum += chance;
    if (lot < sum) return { what, afterMs, of, ms };
  }
  return null;
}
