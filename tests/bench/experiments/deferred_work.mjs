// What deferred work costs the caller, and how long the environment is held beyond it.
import os from 'node:os';
import { behindPostlude, RUNTIME, telling, withContestants } from '../contestants.mjs';
import { interleaved, medianOf } from '../rounds.mjs';
import { row } from '../row.mjs';
import { median, percentile, spread } from '../statistics.mjs';

export const title = 'deferred work: the caller, the hand-over, the release';

const micros = (ns) => (ns / 1000).toFixed(0);
const MEMORY = '/dev/shm';

const named = (name, tasks, options) => behindPostlude(name, RUNTIME, { tasks, ...options });

async function callers(quick) {
  const seconds = quick ? '0.05' : '1';
  const ways = [
    named('without', () => []),
    named('with', () => [{ name: 'sleep', command: ['sleep', seconds] }]),
  ];
  const { rounds } = await withContestants(ways, () => interleaved(ways, {
    rounds: quick ? 4 : 40, play: (way) => way.batch({ invocations: 1 }), reference: () => 1,
  }), { warmUp: { invocations: 2 } });
  return rounds.map((round) => ({ without: round.get('without').answer[0], with: round.get('with').answer[0] }));
}

async function releases(quick) {
  const way = named('telling', (socket) => [{ name: 'telling', command: telling(socket) }]);
  return withContestants([way], async () => {
    const { release } = await way.batch({ invocations: quick ? 20 : 300 });
    return release;
  }, { warmUp: { invocations: 5 } });
}

async function handOvers(quick, options) {
  const way = named('deferring', (socket) => [{ name: 'deferred', trigger: 'demand', command: telling(socket) }], options);
  return withContestants([way], async () => {
    const rounds = [];
    for (let round = 0; round < (quick ? 3 : 10); round += 1) {
      const { begins } = await way.batch({ invocations: quick ? 2 : 10, defer: 20 });
      rounds.push(begins.flat());
    }
    return rounds;
  }, { warmUp: { invocations: 2, defer: 5 } });
}

export async function measure({ quick }) {
  const called = await callers(quick);
  const released = await releases(quick);
  const handed = await handOvers(quick, { spoolBelow: MEMORY });
  const handedOnDisk = await handOvers(quick);
  const difference = median(called.map((one) => one.with)) - median(called.map((one) => one.without));
  const differences = called.map((one) => (one.with - one.without) / 1e6);
  return {
    rows: [
      {
        ...row('caller\'s time with 1 s of deferred work against without, difference of medians', [difference / 1e6], { limit: 1, unit: 'ms' }),
        range: [percentile(differences, 0.05), percentile(differences, 0.95)],
        note: `${called.length} calls each; the range is that of single pairs, 5 to 95 %`,
      },
      row('end of the last task\'s process to the release of the environment, p50', released.map((ns) => ns / 1e6), { limit: 1, unit: 'ms' }),
      row('hand-over of a task of 1.5 KB to its durable acknowledgement, p50',
        handed.map((times) => median(times) / 1000), {
          limit: 60, unit: 'µs',
          note: `its spool on ${MEMORY}, where files cost what Postlude does with them; on the file system of `
            + `${os.tmpdir()} here it takes ${micros(median(handedOnDisk.flat()))} µs, of which the rest is that file system's`,
        }),
    ],
    data: { releaseNs: spread(released), handOverNs: spread(handed.flat()), handOverOnDiskNs: spread(handedOnDisk.flat()), calledNs: called },
  };
}
