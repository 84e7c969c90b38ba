// One line of the table of targets: what was found, against its limit.
import { median, range } from './statistics.mjs';

// `rounds`: a number of each round, in `unit`; their median is judged, unless there is a `value` of all rounds together.
// `limit`: at most so much, or at least with `atLeast`.
// `note`: what a reader must know to judge the figure.
export function row(name, rounds, { limit, unit, atLeast = false, note, value = median(rounds) }) {
  const met = atLeast ? value >= limit : value <= limit;
  return {
    name, value, limit, unit, bound: atLeast ? 'at least' : 'at most', verdict: met ? 'met' : 'missed', range: range(rounds),
    ...(note ? { note } : {}),
  };
}
