// The worked table of "What it costs" follows from the formulas and prices that stand above it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { section } from './readme.mjs';

const { text } = section('What it costs');
const number = (cell) => Number(cell.replace(/[^\d.]/g, ''));
const given = (pattern) => {
  const [, found] = pattern.exec(text) ?? assert.fail(`the section does not say ${pattern}`);
  return Number(found);
};
const MILLION = 1e6;
const gbSecond = given(/`p` = \$([\d.]+)/);
const request = given(/`r` = \$([\d.]+)/) / MILLION;
const queued = given(/`q` = \$([\d.]+) a million/) / MILLION;
const answer = given(/`a` = (\d+) ms/) / 1000;
const call = given(/`c` = (\d+) ms/) / 1000;
const rate = given(/and (\d+) requests a second keep/);

const seconds = (cell) => number(cell) / (cell.endsWith('ms') ? 1000 : 1);
const gigabytes = (cell) => number(cell) / 1024;
const rows = text.split('\n').filter((line) => /^\| \d+ m?s \|/.test(line)).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));

test('what a million requests cost, and how many environments they keep', () => {
  assert.ok(rows.length >= 4);
  for (const [workCell, memoryCell, otherCell, ...told] of rows) {
    const [work, memory, other] = [seconds(workCell), gigabytes(memoryCell), gigabytes(otherCell)];
    const elsewhere = work * other * gbSecond + call * memory * gbSecond;
    const expected = [
      work * memory * gbSecond * MILLION,
      (request + elsewhere) * MILLION,
      (1.2 * queued + request / 10 + elsewhere) * MILLION,
    ].map((dollars) => dollars.toFixed(2));
    assert.deepEqual(told.slice(0, 3), expected, workCell);
    assert.equal(told[3], (rate * (answer + work)).toFixed(0), workCell);
    assert.equal(told[4], `${(rate * (answer + call)).toFixed(0)} + ${(rate * work).toFixed(0)}`, workCell);
  }
});

test('the point where a second function is the cheaper one', () => {
  const [, large, small, ms] = /for ([\d,]+) MB against (\d+) MB, (\d+) ms of work/.exec(text);
  const work = (request + call * gigabytes(large) * gbSecond) / ((gigabytes(large) - gigabytes(small)) * gbSecond);
  assert.equal(Number(ms), Math.round(work * 1000));
});
