// What has to happen when a process is killed, stopped or ends in each phase of an environment's life: read by
// the test that plays every cell (fault_matrix.test.mjs) and by the page made of it (docs/FAULTS.md).
//
// Judged is one invocation, the *caller's*: the one that the fault hits, or else the next one. It is followed by
// one more, which must be answered with all its tasks done: the environment goes on. Where work is held over from
// an invocation before (idle, shutdown), that is the task "before".
import { DEATH, OUTCOMES } from './fault_outcomes.mjs';

export const FLAVOURS = {
  internal: 'the internal extension',
  external: 'the external flavour',
};

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
  'shutdown, last': 'shutdown: after the end of the runtime, when SHUTDOWN has come',
};

const impossible = (why) => ({ outcome: 'impossible', why });
const faults = (kill, stop, ends = kill) => ({ kill, stop, 'exit-0': ends, 'exit-1': ends });
const NO_STOP = impossible('a frozen process is stopped already, and thaws with the others');
const NO_COMMAND = impossible('no attempt runs: what is carried waits for the first answer');
const RELEASED = impossible('the environment is released only when no attempt runs');
const GONE = impossible('it has ended');
const KILLED_FIRST = impossible('commands are killed the moment SIGTERM comes');

const FAILS = { ...faults('attempt fails', 'unaffected'), 'exit-0': 'attempt ends' };

const internal = {
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
    extension: faults('unaffected', 'maybe replaced, early'),
    runtime: faults('failure task', 'unaffected'),
    command: faults('late attempt ends', 'late attempt cut'),
  },
  streaming: {
    shim: faults('cut', 'unaffected'),
    extension: faults('unaffected', 'maybe replaced, early'),
    runtime: faults('cut, failure task', 'unaffected'),
    command: faults('late attempt ends', 'late attempt cut'),
  },
  answered: {
    shim: faults('journal replayed', 'unaffected'),
    extension: faults('replaced', 'maybe replaced'),
    runtime: faults('settled first', 'unaffected'),
    command: FAILS,
  },
  tasks: {
    shim: faults('journal replayed', 'unaffected'),
    extension: faults('replaced', 'maybe replaced'),
    runtime: faults('settled first', 'unaffected'),
    command: FAILS,
  },
  shutdown: {
    shim: faults('ends in time, held', 'ends in time'),
    extension: faults('ends in time', 'ends in time'),
    runtime: faults('ends in time', 'ends in time'),
    command: faults(KILLED_FIRST, KILLED_FIRST),
  },
};

// The platform started the extension: any end of it is the end of the environment, nobody replaces it, and it
// outlives the shim.
const external = {
  ...internal,
  init: { ...internal.init, extension: faults('starts over', 'unaffected') },
  'idle, frozen': { ...internal['idle, frozen'], extension: faults('starts over, replays', NO_STOP) },
  'idle, awake': { ...internal['idle, awake'], extension: faults('starts over, replays', 'held work done') },
  handling: { ...internal.handling, extension: faults('failure task', 'unaffected') },
  streaming: { ...internal.streaming, extension: faults('cut, failure task', 'unaffected') },
  answered: {
    ...internal.answered,
    shim: faults('journal continued', 'unaffected'),
    extension: faults('journal replayed', 'unaffected'),
  },
  tasks: {
    ...internal.tasks,
    shim: faults('journal continued', 'unaffected'),
    extension: faults('journal replayed', 'unaffected'),
  },
  shutdown: {
    shim: faults('ends in time', 'ends in time'),
    extension: faults('ends in time, held', 'ends in time, held'),
    runtime: faults('ends in time', 'ends in time'),
    command: faults(RELEASED, RELEASED),
  },
  'shutdown, last': {
    shim: faults(GONE, GONE),
    extension: faults('ends in time, held', 'ends in time, held'),
    runtime: faults(GONE, GONE),
    command: faults(RELEASED, RELEASED),
  },
};

// Every cell: {flavour, phase, target, fault, outcome (its name), why, expected}.
export const CELLS = Object.entries({ internal, external }).flatMap(([flavour, matrix]) =>
  Object.entries(matrix).flatMap(([phase, targets]) =>
    Object.entries(targets).flatMap(([target, row]) =>
      Object.entries(row).map(([fault, cell]) => {
        const { outcome, why = null } = typeof cell === 'string' ? { outcome: cell } : cell;
        return { flavour, phase, target, fault, outcome, why, expected: OUTCOMES[outcome] };
      }))));

const isCrash = ({ flavour, target }) => flavour === 'external' && target === 'extension';
const CRASHES = { kill: 'signal: killed', 'exit-0': 'exit code 0', 'exit-1': 'exit code 1' };
const EXITS = {
  kill: 'Runtime exited with error: signal: killed',
  'exit-0': 'Runtime exited without providing a reason',
  'exit-1': 'Runtime exited with error: exit status 1',
};

// What the platform says of a process that ended so, and of the invocation that it ended.
export const exitWords = (cell) => (isCrash(cell) ? CRASHES : EXITS)[cell.fault];
export const platformOf = (cell) => {
  const { platform } = cell.expected;
  return platform === DEATH ? (isCrash(cell) ? 'Extension.Crash' : 'Runtime.ExitError') : platform;
};

// The environment starts over because of that fault, at once.
export const resets = (cell) =>
  cell.fault !== 'stop' && cell.phase !== 'init' && !cell.phase.startsWith('shutdown') &&
  (cell.target === 'shim' || isCrash(cell) || (cell.target === 'runtime' && cell.phase === 'idle, awake'));

// From the first signal or event to the end of all processes.
export const BUDGET_MS = { internal: 500, external: 2000 };
// Of a cell that is played, from the fault to the end of the invocation behind it: a stop takes 3 s, held work is
// due again after 3 s, and a late task begins 2 s before the deadline of 5 s.
export const withinMs = (cell) => ('late' in cell.expected.tasks ? 14_000 : 8000);
// An answer that is given while the extension is dead or stopped waits for none.
export const UNDELAYED_MS = 2000;
