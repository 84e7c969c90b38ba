// What an invocation without tasks costs: until the caller has its answer; and one whole turn, until every poll is
// parked again. The relay has no extension, so that a whole turn through it is one poll shorter.
import { direct, postlude, relayed, withContestants } from '../contestants.mjs';
import { interleaved, medianOf } from '../rounds.mjs';
import { row } from '../row.mjs';
import { percentile, spread } from '../statistics.mjs';

const KIB = 1024;
const asked = (quick) => ({ invocations: quick ? 100 : 1000, event: KIB, answer: KIB });

export const title = 'an invocation without tasks, 1 KiB each way';

export async function measure({ quick, ways = [direct(), relayed(), postlude()] }) {
  const batch = asked(quick);
  const { rounds, repeated } = await withContestants(ways, () => interleaved(ways, {
    rounds: quick ? 3 : 24, play: (way) => way.batch(batch), reference: medianOf('direct', 'released'),
  }));
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
      row('CPU time of both processes per invocation without tasks',
        rounds.map((round) => round.get('postlude').cpuNs / batch.invocations / 1000), { limit: 60, unit: 'µs' }),
    ],
    data: {
      repeated,
      ways: ways.map(({ name }) => ({
        name,
        answerUs: inMicros(spread(all(name, 'answer'))),
        releasedUs: inMicros(spread(all(name, 'released'))),
        cpuUs: rounds.map((round) => round.get(name).cpuNs / batch.invocations / 1000),
      })),
    },
  };
}

const inMicros = (figures) => Object.fromEntries(Object.entries(figures).map(([key, ns]) => [key, ns / 1000]));
