// How much later the first byte of a streamed answer comes.
import { direct, postlude, relayed, withContestants } from '../contestants.mjs';
import { interleaved, medianOf } from '../rounds.mjs';
import { row } from '../row.mjs';
import { spread } from '../statistics.mjs';

export const title = 'first byte of a streamed answer';

export async function measure({ quick }) {
  const ways = [direct(), relayed(), postlude()];
  const batch = { invocations: quick ? 50 : 300, answer: 8192, chunk: 1024 };
  const { rounds } = await withContestants(ways, () => interleaved(ways, {
    rounds: quick ? 3 : 12, play: (way) => way.batch(batch), reference: medianOf('direct', 'firstByte'),
  }));
  const first = (name) => (round) => medianOf(name, 'firstByte')(round) / 1000;
  return {
    rows: [
      row('first byte of a stream, later than without anything between',
        rounds.map((round) => first('postlude')(round) - first('direct')(round)), { limit: 100, unit: 'µs' }),
    ],
    data: {
      ways: ways.map(({ name }) => ({ name, firstByteNs: spread(rounds.flatMap((round) => round.get(name).firstByte)) })),
    },
  };
}
