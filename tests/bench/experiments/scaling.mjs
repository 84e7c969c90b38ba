// Many tasks an invocation, and many invocations at once as on a Managed Instance.
import { behindPostlude, direct, postlude, relayed, RUNTIME, telling, withContestants } from '../contestants.mjs';
import { median } from '../statistics.mjs';

const MOST_AT_ONCE = 64;

export const title = 'many tasks an invocation, many invocations at once';

async function tasks(quick) {
  const way = behindPostlude('postlude', RUNTIME, {
    tasks: (socket) => [{ name: 'deferred', trigger: 'demand', command: telling(socket) }],
  });
  const counts = quick ? [1, 10] : [1, 3, 10, 30, 100, 300, 1000];
  return withContestants([way], async () => {
    const curve = [];
    for (const count of counts) {
      const { released, answer } = await way.batch({ invocations: Math.max(3, Math.min(30, Math.round(300 / count))), defer: count });
      curve.push({ tasks: count, answerMs: median(answer) / 1e6, releasedMs: median(released) / 1e6 });
    }
    return curve;
  }, { warmUp: { invocations: 2, defer: 2 } });
}

async function parallel(quick) {
  const env = { AWS_LAMBDA_MAX_CONCURRENCY: String(MOST_AT_ONCE), AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances' };
  const managed = { env, polls: [MOST_AT_ONCE, 0] };
  const ways = [direct(managed), relayed(managed), postlude({ env, polls: [MOST_AT_ONCE, 1] })];
  return withContestants(ways, async () => {
    const curve = [];
    for (const atOnce of quick ? [1, 8] : [1, 2, 4, 8, 16, 32, 64]) {
      const invocations = quick ? 200 : 2000;
      for (const way of ways) {
        const began = performance.now();
        const { answer } = await way.batch({ invocations, parallel: atOnce });
        curve.push({ name: way.name, atOnce, perSecond: invocations / (performance.now() - began) * 1000, answerUs: median(answer) / 1000 });
      }
    }
    return curve;
  }, { warmUp: { invocations: 200, parallel: 2 } });
}

export async function measure({ quick }) {
  return { rows: [], data: { tasks: await tasks(quick), parallel: await parallel(quick) } };
}
