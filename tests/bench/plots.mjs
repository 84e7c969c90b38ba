// The plots of the report, as SVG text: Vega-Lite draws them without a browser. Colours are CSS variables of the page,
// so that one drawing serves light and dark.
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

// Where the packages of the tests are; an import by name would look beside this file.
const require = createRequire(path.join(process.env.POSTLUDE_TEST_TOOLS, 'here.js'));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const vega = await load('vega');
const vegaLite = await load('vega-lite');

const INK = 'var(--ink)';
const FAINT = 'var(--faint)';
const COLOURS = [1, 2, 3, 4].map((index) => `var(--series-${index})`);

const config = {
  background: 'transparent',
  font: 'inherit',
  view: { stroke: null },
  axis: { domainColor: FAINT, gridColor: 'var(--grid)', tickColor: FAINT, labelColor: INK, titleColor: INK, titleFontWeight: 'normal', labelLimit: 260 },
  legend: { labelColor: INK, titleColor: INK, orient: 'top', title: null, labelLimit: 300 },
  range: { category: COLOURS },
  line: { strokeWidth: 2, point: true },
  bar: { fill: COLOURS[0] },
};

async function draw({ values, height = 240, ...specification }) {
  const { spec } = vegaLite.compile({ width: 620, height, data: { values }, config, ...specification });
  const view = new vega.View(vega.parse(spec), { renderer: 'none' });
  return view.toSVG();
}

const quantity = (field, title, scale = {}) => ({ field, type: 'quantitative', title, scale });
const ticks = (values) => ({ values, format: '~s' });
const byWay = { field: 'name', type: 'nominal', sort: null };

// One line a way over a logarithmic axis.
const lines = (values, x, y, marks) => draw({
  values,
  mark: { type: 'line', point: true },
  encoding: {
    x: { ...quantity(x.field, x.title, { type: 'log' }), axis: ticks(marks) },
    y: quantity(y.field, y.title, y.scale),
    color: byWay,
  },
});

// Two or three bars for each of a few names.
const bars = (values, title, step = 16) => draw({
  values,
  height: { step },
  mark: 'bar',
  encoding: {
    y: { ...byWay, axis: { title: null, labelLimit: 300 } },
    yOffset: { field: 'part', sort: null },
    x: quantity('value', title),
    color: { field: 'part', type: 'nominal', sort: null },
  },
});

const parts = (ways, columns) => ways.flatMap((way) => Object.entries(columns)
  .map(([part, value]) => ({ name: way.name, part, value: value(way) })));

const bytesOf = (curve) => [...new Set(curve.map(({ bytes }) => bytes))];

// {file name of the experiment: [{caption, svg}]}
export const PLOTS = {
  invocation: async ({ ways }) => [
    { caption: 'From the event to the last byte of the answer, µs', svg: await bars(parts(ways, {
      p50: (way) => way.answerUs.p50, p90: (way) => way.answerUs.p90, p99: (way) => way.answerUs.p99,
    }), 'µs') },
    { caption: 'From the event until every poll is parked again, µs', svg: await bars(parts(ways, {
      p50: (way) => way.releasedUs.p50, p90: (way) => way.releasedUs.p90, p99: (way) => way.releasedUs.p99,
    }), 'µs') },
  ],
  throughput: async ({ curve, megabytesPerSecond }) => [
    { caption: 'An invocation by the size of event and answer, µs', svg: await lines(curve,
      { field: 'bytes', title: 'bytes of event and of answer' }, { field: 'releasedUs', title: 'µs', scale: { type: 'log' } }, bytesOf(curve)) },
    { caption: 'Throughput of large answers, MB/s', svg: await bars(parts(megabytesPerSecond, {
      '6 MB buffered': (way) => way.buffered, '100 MB streamed': (way) => way.streamed,
    }), 'MB/s') },
  ],
  first_byte: async ({ ways }) => [
    { caption: 'From the event to the first byte of the answer, µs', svg: await bars(parts(ways, {
      p50: (way) => way.firstByteNs.p50 / 1000, p99: (way) => way.firstByteNs.p99 / 1000,
    }), 'µs') },
  ],
  deferred_work: async ({ releaseNs, handOverNs }) => [
    { caption: 'End of the last task to the release, and hand-over of one task, µs', svg: await bars(parts(
      [{ name: 'release', ...releaseNs }, { name: 'hand-over', ...handOverNs }], {
        p50: (one) => one.p50 / 1000, p90: (one) => one.p90 / 1000, p99: (one) => one.p99 / 1000,
      }), 'µs') },
  ],
  task_kinds: async ({ ways }) => [
    { caption: 'Until the caller is answered, and until the environment is released, µs', svg: await bars(parts(ways, {
      answer: (way) => way.answerUs, released: (way) => way.releasedUs,
    }), 'µs') },
  ],
  scaling: async ({ tasks, parallel }) => [
    { caption: 'Time of an invocation by its number of command tasks, ms', svg: await lines(
      tasks.flatMap((one) => [{ name: 'answer', ...one, ms: one.answerMs }, { name: 'released', ...one, ms: one.releasedMs }]),
      { field: 'tasks', title: 'tasks' }, { field: 'ms', title: 'ms', scale: { type: 'log' } }, tasks.map((one) => one.tasks)) },
    { caption: 'Invocations a second by how many are in flight', svg: await lines(parallel,
      { field: 'atOnce', title: 'in flight' }, { field: 'perSecond', title: 'a second' }, [...new Set(parallel.map(({ atOnce }) => atOnce))]) },
  ],
  init_and_memory: async ({ initNs }) => [
    { caption: 'From the start to the first poll, ms', svg: await bars(parts(initNs, {
      p50: (way) => way.p50 / 1e6, p90: (way) => way.p90 / 1e6,
    }), 'ms') },
  ],
};
