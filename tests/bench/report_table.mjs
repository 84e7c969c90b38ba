// The targets as text for a terminal.

const number = (value) => {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
};

export const cells = ({ name, value, limit, unit, bound, verdict, range }) => ({
  name,
  value: `${number(value)} ${unit}`,
  limit: `${bound} ${number(limit)} ${unit}`,
  range: `${number(range[0])} to ${number(range[1])}`,
  verdict,
});

const HEADS = { name: 'target', value: 'measured', limit: 'limit', range: 'range', verdict: 'verdict' };

export function table(targets) {
  const lines = [HEADS, ...targets.map(cells)];
  const widths = Object.keys(HEADS).map((key) => Math.max(...lines.map((line) => line[key].length)));
  return lines.map((line) => Object.values(line).map((text, at) => text.padEnd(widths[at])).join('  ').trimEnd()).join('\n');
}
