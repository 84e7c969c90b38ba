// Interleaved measuring: in every round each contestant plays one short batch, so that what the machine does meanwhile
// happens to all of them.
import { median } from './statistics.mjs';

const DISTURBED = 1.1; // a reference so much slower than its quickest round so far

// `play(contestant)` gives what is kept of a round for it; `reference(round)` a number of the round in which every
// disturbance shows (usually the median of the way without anything between). A disturbed round is played again, at
// most as often as there are rounds. {rounds: [Map(name -> kept)], repeated}
export async function interleaved(contestants, { rounds, play, reference }) {
  let kept = [];
  let repeated = 0;
  while (kept.length < rounds) {
    const round = new Map();
    const shift = (kept.length + repeated) % contestants.length; // nobody is always the first
    for (const contestant of [...contestants.slice(shift), ...contestants.slice(0, shift)]) {
      round.set(contestant.name, await play(contestant));
    }
    kept.push(round);
    const quickest = Math.min(...kept.map(reference));
    const calm = kept.filter((one) => reference(one) <= quickest * DISTURBED);
    if (repeated < rounds) {
      repeated += kept.length - calm.length;
      kept = calm;
    }
  }
  return { rounds: kept, repeated };
}

// The median of a list of times of one contestant in a round.
export const medianOf = (name, list) => (round) => median(round.get(name)[list]);
