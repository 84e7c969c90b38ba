// Large answers: bytes a second through each way, and what they cost as they grow.
import { direct, postlude, relayed, withContestants } from '../contestants.mjs';
import { interleaved, medianOf } from '../rounds.mjs';
import { row } from '../row.mjs';
import { median } from '../statistics.mjs';

const MIB = 1024 * 1024;
const BUFFERED = 6_000_000; // just below the platform's limit of 6 MB
const STREAMED = 100_000_000;
const CHUNK = 65_536;

export const title = 'large answers, 6 MB buffered and 100 MB streamed';

const share = (round) => medianOf('relay', 'answer')(round) / medianOf('postlude', 'answer')(round);

async function rounds(ways, batch, count) {
  return interleaved(ways, { rounds: count, play: (way) => way.batch(batch), reference: medianOf('direct', 'answer') });
}

async function bySize(ways, quick) {
  const sizes = quick ? [1024, 1_000_000] : [1024, 16_384, 65_536, 262_144, 1_000_000, BUFFERED];
  const curve = [];
  for (const bytes of sizes) {
    const batch = { invocations: Math.max(3, Math.min(200, Math.round(4_000_000 / bytes))), event: bytes, answer: bytes };
    const played = await rounds(ways, batch, quick ? 2 : 6);
    for (const { name } of ways) {
      curve.push({ name, bytes, releasedUs: median(played.rounds.map(medianOf(name, 'released'))) / 1000 });
    }
  }
  return curve;
}

export async function measure({ quick }) {
  const ways = [direct(), relayed(), postlude()];
  const through = ways[2];
  const count = quick ? 2 : 8;
  return withContestants(ways, async () => {
    const curve = await bySize(ways, quick);
    await through.batch({ invocations: 1, answer: BUFFERED });
    through.forgetPeak();
    const before = through.peakBytes;
    const buffered = await rounds(ways, { invocations: 5, answer: BUFFERED }, count);
    const streamed = await rounds(ways, { invocations: 1, answer: quick ? STREAMED / 10 : STREAMED, chunk: CHUNK }, count);
    const growth = (through.peakBytes - before) / MIB;
    const megabytes = (name, { rounds: played }, bytes) => median(played.map((round) => bytes / medianOf(name, 'answer')(round) * 1000));
    return {
      rows: [
        row('throughput of 6 MB buffered, of a raw byte relay\'s', buffered.rounds.map((round) => share(round) * 100),
          { limit: 80, unit: '%', atLeast: true }),
        row('throughput of a 100 MB stream, of a raw byte relay\'s', streamed.rounds.map((round) => share(round) * 100),
          { limit: 80, unit: '%', atLeast: true }),
        row('memory growth over these, both processes at their peak', [growth], { limit: 1, unit: 'MiB' }),
      ],
      data: {
        curve,
        megabytesPerSecond: ways.map(({ name }) => ({
          name,
          buffered: megabytes(name, buffered, BUFFERED),
          streamed: megabytes(name, streamed, quick ? STREAMED / 10 : STREAMED),
        })),
      },
    };
  }, { warmUp: { invocations: 5 } });
}
