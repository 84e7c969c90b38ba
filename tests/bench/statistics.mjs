// Figures of lists of numbers. Nothing here knows what is measured.

const sorted = (numbers) => Float64Array.from(numbers).sort();

// Nearest rank: the smallest number that `share` (0 to 1) of the list do not exceed.
export function percentile(numbers, share) {
  const order = sorted(numbers);
  return order[Math.max(0, Math.ceil(order.length * share) - 1)];
}

// The middle one, or the mean of the two in the middle.
export function median(numbers) {
  const order = sorted(numbers);
  const half = order.length >> 1;
  return order.length % 2 === 1 ? order[half] : (order[half - 1] + order[half]) / 2;
}

export const range = (numbers) => [Math.min(...numbers), Math.max(...numbers)];

// {p50, p90, p99} of the list.
export const spread = (numbers) => ({
  p50: percentile(numbers, 0.5), p90: percentile(numbers, 0.9), p99: percentile(numbers, 0.99),
});
