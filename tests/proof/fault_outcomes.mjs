// What can come of a fault: the outcomes that the cells of fault_matrix.mjs name.

// The tasks of every invocation: two commands, of which "once" must not be replayed, a call, and a command for
// failures. "late" (when: timeout) is there only where a command is to be hit before there is an answer.
const all = { work: 'done', once: 'done', note: 'done', alarm: null };
const none = { work: null, once: null, note: null, alarm: null };
const replayed = { ...all, once: 'expired' };
const failure = { ...none, alarm: 'done' };

// The environment's own end: what the platform says depends on who died.
export const DEATH = 'death';

// caller: answer | failure | cut. platform: what its journal says of the caller's invocation ("success", or DEATH),
// or "init" / "idle" where the environment was reset outside of one, or "shutdown". tasks: the end of each accepted
// task; null: it is never accepted; a list: either is right. replaced: the ends that differ if the log says that the
// extension was replaced.
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
    text: 'The shim is frozen too and repeats the end of the runtime as soon as it may: the next caller gets the error that the platform makes of it. Its failure task is there if the event was delivered before the end was noticed; that and the held work are done after the next answer.',
    caller: 'failure', platform: DEATH, tasks: { ...none, alarm: ['done', null], before: 'done' },
  },
  'no answer': {
    text: 'The caller gets the error that the platform makes of the end. Nothing was accepted; the environment starts over.',
    caller: 'failure', platform: DEATH, tasks: none,
  },
  'failure task': {
    text: 'The caller gets the error that it would get without Postlude; the failure task is done after the first answer of the new processes.',
    caller: 'failure', platform: DEATH, tasks: failure,
  },
  'cut': {
    text: "The caller's stream breaks off. Nothing was accepted; the environment starts over.",
    caller: 'cut', platform: DEATH, tasks: none,
  },
  'cut, failure task': {
    text: "The caller's stream breaks off, as without Postlude; the failure task is done after the first answer of the new processes.",
    caller: 'cut', platform: DEATH, tasks: failure,
  },
  'journal replayed': {
    text: 'The caller has the answer. The environment starts over; what was interrupted runs again after its first answer, with `replay: false` it is expired.',
    caller: 'answer', platform: DEATH, tasks: replayed,
  },
  'replaced': {
    text: 'A new extension goes on at once, in the same invocation; what was interrupted runs again, with `replay: false` it is expired.',
    caller: 'answer', platform: 'success', tasks: replayed,
  },
  'maybe replaced': {
    text: 'After two missed pings (2 to 3 s) it counts as hung and is replaced; what was interrupted then runs again, with `replay: false` it is expired. If it goes on before, nothing happened. The answer does not wait for it.',
    caller: 'answer', platform: 'success', tasks: all, replaced: { once: 'expired' },
  },
  'maybe replaced, early': {
    text: 'The same, but no attempt was under way when it was stopped: one that is cut began between its going on and its end.',
    caller: 'answer', platform: 'success', tasks: all, replaced: { once: ['done', 'expired'] },
  },
  'journal continued': {
    text: 'The caller has the answer. The environment starts over; the extension is told so, cuts the attempts and leaves all tasks in the journal: they run again after the first answer of the new processes.',
    caller: 'answer', platform: DEATH, tasks: all,
  },
  'settled first': {
    text: 'The caller has the answer. The shim stays until all tasks are done, then ends as the runtime did: the platform reports that and starts over.',
    caller: 'answer', platform: DEATH, tasks: all,
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
    text: 'The shutdown takes no longer than its budget. Whoever could say what becomes of held work is gone, or may not know whether the environment starts over: it stays in the journal, for a next generation if there is one.',
    caller: 'answer', platform: 'shutdown', tasks: { ...all, before: 'held' },
  },
  impossible: { text: 'Cannot be.' },
};
