// What an invocation without tasks costs: until the caller has its answer; and one whole turn, until every poll is
// parked again. The relay has no extension, so that a whole turn through it is one poll shorter.
import { direct, postlude, relayed, withContestants } from '../contestants.mjs';
import { interleaved, medianOf } from '../rounds.mjs';
import { row } from '../row.mjs';
import { median, percentile, spread } from '../statistics.mjs';

const KIB = 1024;
const NAMES = ['direct', 'relay', 'postlude'];
const asked = (quick) => ({ invocations: quick ? 100 : 1000, event: KIB, answer: KIB });

export const title = 'an invocation without tasks, 1 KiB each way';

// A process has its luck with caches from its start on: each way is started several times.
async function play(quick, batch) {
  const played = [];
  for (let start = 0; start < (quick ? 2 : 6); start += 1) {
    const ways = [direct(), relayed(), postlude()];
    played.push(await withContestants(ways, () => interleaved(ways, {
      rounds: quick ? 2 : 6, play: (way) => way.batch(batch), reference: medianOf('direct', 'released'),
    })));
  }
  return { rounds: played.flatMap(({ rounds }) => rounds), repeated: played.reduce((all, { repeated }) => all + repeated, 0) };
}

export async function measure({ quick }) {
  const batch = asked(quick);
  const { rounds, repeated } = await play(quick, batch);
  const cpuUs = (name) => rounds.map((round) => round.get(name).cpuNs / batch.invocations / 1000);
  const p50 = (round, name) => medianOf(name, 'answer')(round);
  const p99 = (round, name) => percentile(round.get(name).answer, 0.99);
  const added = (round, name) => p50(round, name) - p50(round, 'direct');
  const all = (name, list) => rounds.flatMap((round) => round.get(name)[list]);
  const tail = (name) => percentile(all(name, 'answer'), 0.99);
  return {
    rows: [
      row('added to the answer of an invocation without tasks, 1 KB, p50, as a multiple of what a raw byte relay adds',
        rounds.map((round) => added(round, 'postlude') / added(round, 'relay')), { limit: 1.5, unit: '×' }),
      row('answer of an invocation without tasks, 1 KB, p99, as a multiple of a raw byte relay\'s',
        rounds.map((round) => p99(round, 'postlude') / p99(round, 'relay')), {
          limit: 1.5, unit: '×', value: tail('postlude') / tail('relay'),
          note: 'of the answers of all rounds together: one round has ten that are slower',
        }),
      row('CPU time of both processes per invocation without tasks', cpuUs('postlude'), {
        limit: 60, unit: 'µs', note: `the relay, one process, takes ${median(cpuUs('relay')).toFixed(0)} µs`,
      }),
    ],
    data: {
      repeated,
      ways: NAMES.map((name) => ({
        name,
        answerUs: inMicros(spread(all(name, 'answer'))),
        releasedUs: inMicros(spread(all(name, 'released'))),
        cpuUs: cpuUs(name),
      })),
    },
  };
}

const inMicros = (figures) => Object.fromEntries(Object.entries(figures).map(([key, ns]) => [key, ns / 1000]));
