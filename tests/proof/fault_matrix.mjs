// What has to happen when a process is killed, stopped or ends in each phase of an environment's life: read by
// the test that plays every cell (fault_matrix.test.mjs) and by the page made of it (docs/FAULTS.md).
//
// Judged is one invocation, the *caller's*: the one that the fault hits, or else the next one. It is followed by
// one more, which must be answered with all its tasks done: the environment goes on. Where work is held over from
// an invocation before (idle, shutdown), that is the task "before".

export const TARGETS = {
  shim: 'the shim',
  extension: 'the extension',
  runtime: 'the runtime',
  command: "a task's command",
};

export const FAULTS = {
  kill: 'SIGKILL',
  stop: 'SIGSTOP for 3 s',
  'exit-0': 'exit 0',
  'exit-1': 'exit 1',
};

export const PHASES = {
  init: 'init: everybody is there, the runtime did not ask for its first event',
  'idle, frozen': 'idle: between two invocations, all processes are stopped',
  'idle, awake': 'idle: between two invocations, not stopped (yet)',
  handling: 'before the first byte of the response',
  streaming: 'mid-stream: the caller has the first half',
  answered: 'between the response and next: the handler works on, tasks run',
  tasks: 'during tasks: the runtime asked for its next event',
  shutdown: 'shutdown: after SIGTERM',
};

// The tasks of every invocation: two commands, of which "once" must not be replayed, a call, and a command for
// failures. "late" (when: timeout) is there only where a command is to be hit before there is an answer.
const all = { work: 'done', once: 'done', note: 'done', alarm: null };
const none = { work: null, once: null, note: null, alarm: null };
const replayed = { ...all, once: 'expired' };
const failure = { ...none, alarm: 'done' };

const EXIT_ERROR = 'Runtime.ExitError';
const WORDS = {
  kill: 'Runtime exited with error: signal: killed',
  'exit-0': 'Runtime exited without providing a reason',
  'exit-1': 'Runtime exited with error: exit status 1',
};

// caller: answer | failure | cut. platform: what its journal says of the caller's invocation ("success", or the
// error type), or "init" / "idle" where the environment was reset outside of one. tasks: the end of each
// accepted task; null: it is never accepted; a list: either is right.
export const OUTCOMES = {
  unaffected: {
    text: 'Nothing but the time it takes: answer, tasks and environment are as without the fault.',
    caller: 'answer', platform: 'success', tasks: all,
  },
  'starts over': {
    text: 'The environment starts over; the caller gets an answer, all tasks run.',
    caller: 'answer', platform: 'init', tasks: all,
  },
  'starts over, replays': {
    text: 'The environment starts over at once; the caller gets an answer from the new processes, and behind it the held work is done as well.',
    caller: 'answer', platform: 'idle', tasks: { ...all, before: 'done' },
  },
  'held work done': {
    text: 'The caller gets an answer; the held work is done behind it, then all tasks.',
    caller: 'answer', platform: 'success', tasks: { ...all, before: 'done' },
  },
  'noticed after the thaw': {
    text: 'The shim is frozen too and repeats the end of the runtime as soon as it may: the next caller gets the error that the platform makes of it. Its failure task and the held work are done after the next answer.',
    caller: 'failure', platform: EXIT_ERROR, tasks: { ...none, alarm: ['done', null], before: 'done' },
  },
  'no answer': {
    text: 'The caller gets the error that the platform makes of the end. Nothing was accepted; the environment starts over.',
    caller: 'failure', platform: EXIT_ERROR, tasks: none,
  },
  'failure task': {
    text: 'The caller gets the error that it would get without Postlude; the failure task is done after the first answer of the new processes.',
    caller: 'failure', platform: EXIT_ERROR, tasks: failure,
  },
  'cut': {
    text: "The caller's stream breaks off. Nothing was accepted; the environment starts over.",
    caller: 'cut', platform: EXIT_ERROR, tasks: none,
  },
  'cut, failure task': {
    text: "The caller's stream breaks off, as without Postlude; the failure task is done after the first answer of the new processes.",
    caller: 'cut', platform: EXIT_ERROR, tasks: failure,
  },
  'journal replayed': {
    text: 'The caller has the answer. The environment starts over; what was interrupted runs again after its first answer, with `replay: false` it is expired.',
    caller: 'answer', platform: EXIT_ERROR, tasks: replayed,
  },
  'replaced': {
    text: 'A new extension goes on at once, in the same invocation; what was interrupted runs again, with `replay: false` it is expired.',
    caller: 'answer', platform: 'success', tasks: replayed,
  },
  'maybe replaced': {
    text: 'After two missed pings (2 to 3 s) it counts as hung and is replaced; what was interrupted then runs again, with `replay: false` it is expired. If it goes on before, nothing happened. The answer does not wait for it.',
    caller: 'answer', platform: 'success', tasks: { ...all, once: ['done', 'expired'] },
  },
  'settled first': {
    text: 'The caller has the answer. The shim stays until all tasks are done, then ends as the runtime did: the platform reports that and starts over.',
    caller: 'answer', platform: EXIT_ERROR, tasks: all,
  },
  'attempt fails': {
    text: 'That attempt failed; the next one succeeds.',
    caller: 'answer', platform: 'success', tasks: all,
  },
  'attempt ends': {
    text: 'Exit 0 is success, whoever made it so.',
    caller: 'answer', platform: 'success', tasks: all,
  },
  'late attempt ends': {
    text: 'The timeout task has ended as it would without an answer; an attempt that failed is followed by another one.',
    caller: 'answer', platform: 'success', tasks: { ...all, late: 'done' },
  },
  'late attempt cut': {
    text: 'The stopped command is cut before the deadline, and carried to the next invocation.',
    caller: 'answer', platform: 'success', tasks: { ...all, late: 'done' },
  },
  'ends in time': {
    text: 'The shutdown takes no longer than its budget. Held work is expired, and the log says so.',
    caller: 'answer', platform: 'shutdown', tasks: { ...all, before: 'expired' },
  },
  'ends in time, held': {
    text: 'The shutdown takes no longer than its budget. Held work is expired or dropped, or stays in a journal that goes with the environment.',
    caller: 'answer', platform: 'shutdown', tasks: { ...all, before: ['expired', 'dropped', 'held'] },
  },
  'ends in time, dropped': {
    text: 'The shutdown takes no longer than its budget. There is no extension any more that could hand over what is held: it is dropped, and the log says so.',
    caller: 'answer', platform: 'shutdown', tasks: { ...all, before: 'dropped' },
  },
  impossible: { text: 'Cannot be.' },
};

const impossible = (why) => ({ outcome: 'impossible', why });
const faults = (kill, stop, ends = kill) => ({ kill, stop, 'exit-0': ends, 'exit-1': ends });
const NO_STOP = impossible('a frozen process is stopped already, and thaws with the others');
const NO_COMMAND = impossible('no attempt runs: what is carried waits for the first answer');
const RELEASED = impossible('the environment is released only when no attempt runs');
const KILLED_FIRST = impossible('commands are killed the moment SIGTERM comes');

const MATRIX = {
  init: {
    shim: faults('starts over', 'unaffected'),
    extension: faults('unaffected', 'unaffected'),
    runtime: faults('starts over', 'unaffected'),
    command: faults(NO_COMMAND, NO_COMMAND),
  },
  'idle, frozen': {
    shim: faults('starts over, replays', NO_STOP),
    extension: faults('held work done', NO_STOP),
    runtime: faults('noticed after the thaw', NO_STOP),
    command: faults(RELEASED, RELEASED),
  },
  'idle, awake': {
    shim: faults('starts over, replays', 'held work done'),
    extension: faults('held work done', 'held work done'),
    runtime: faults('starts over, replays', 'held work done'),
    command: faults(RELEASED, RELEASED),
  },
  handling: {
    shim: faults('no answer', 'unaffected'),
    extension: faults('unaffected', 'unaffected'),
    runtime: faults('failure task', 'unaffected'),
    command: faults('late attempt ends', 'late attempt cut'),
  },
  streaming: {
    shim: faults('cut', 'unaffected'),
    extension: faults('unaffected', 'unaffected'),
    runtime: faults('cut, failure task', 'unaffected'),
    command: faults('late attempt ends', 'late attempt cut'),
  },
  answered: {
    shim: faults('journal replayed', 'unaffected'),
    extension: faults('replaced', 'maybe replaced'),
    runtime: faults('settled first', 'unaffected'),
    command: { ...faults('attempt fails', 'unaffected'), 'exit-0': 'attempt ends' },
  },
  tasks: {
    shim: faults('journal replayed', 'unaffected'),
    extension: faults('replaced', 'maybe replaced'),
    runtime: faults('settled first', 'unaffected'),
    command: { ...faults('attempt fails', 'unaffected'), 'exit-0': 'attempt ends' },
  },
  shutdown: {
    shim: faults('ends in time, held', 'ends in time, held'),
    extension: faults('ends in time, dropped', 'ends in time, held'),
    runtime: faults('ends in time', 'ends in time'),
    command: faults(KILLED_FIRST, KILLED_FIRST),
  },
};

// Every cell: {phase, target, fault, outcome (its name), why, expected}.
export const CELLS = Object.entries(MATRIX).flatMap(([phase, targets]) =>
  Object.entries(targets).flatMap(([target, row]) =>
    Object.entries(row).map(([fault, cell]) => {
      const { outcome, why = null } = typeof cell === 'string' ? { outcome: cell } : cell;
      return { phase, target, fault, outcome, why, expected: OUTCOMES[outcome] };
    })));

// What the platform says of a process that ended so.
export const exitWords = (fault) => WORDS[fault];

// Of a cell that is played, from the fault to the end of the invocation behind it.
export const WITHIN_MS = { kill: 20_000, stop: 23_000, 'exit-0': 20_000, 'exit-1': 20_000 };
// An answer that is given while the extension is dead or stopped waits for none.
export const UNDELAYED_MS = 2000;
