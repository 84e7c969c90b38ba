// The moments at which an extension is killed: an event of an invocation, then a random time. Most of that time is
// short, since what matters happens within a few milliseconds of an event.
import { setTimeout as after } from 'node:timers/promises';

const NEAR_MS = 4;
const FAR_MS = 40;

const tasksOf = (requestId) => ({ place, id }) => place === 'task' && id.startsWith(`${requestId}/`);
const ofInvocation = (requestId, event) => (entry) => entry.event === event && entry.requestId === requestId;

// Each returns a promise of the moment; the invocation is under way and its request id known by `id`, a promise.
const EVENTS = {
  begun: async () => {},
  answering: async (one, id) => one.lambda.entry(ofInvocation(await id, 'responseStart')),
  accepted: async (one, id) => one.lambda.entry(ofInvocation(await id, 'responseEnd')),
  attempt: async (one, id, choice) => one.stage.arrival(tasksOf(await id), 1 + choice.below(4)),
  'attempt ended': async (one, id, choice) => (await one.stage.arrival(tasksOf(await id), 1 + choice.below(4))).released,
  call: async (one, id, choice) => {
    await id;
    return one.calls.next(choice.below(2));
  },
  settled: async (one, id) => {
    const requestId = await id;
    return one.lambda.line((line) => line.startsWith('{"postlude":"receipt"') && line.includes(`"requestId":"${requestId}"`));
  },
  polled: async (one, id) => one.lambda.entry(ofInvocation(await id, 'invokeEnd')),
  frozen: async (one, id) => one.lambda.entry(ofInvocation(await id, 'frozen')),
};
export const NAMES = Object.keys(EVENTS);

// {name, wait(one, id)}: chosen now, so that nothing of the run changes what a seed chooses.
export function choose(random) {
  const name = random.pick(NAMES);
  const later = random.chance(0.5) ? random.next() * NEAR_MS : random.chance(0.5) ? random.next() * FAR_MS : 0;
  const nth = random.below(4);
  return {
    name,
    wait: async (one, id) => {
      await EVENTS[name](one, id, { below: (limit) => nth % limit });
      if (later >= 1) await after(later);
    },
  };
}
