// Tests the measuring tools with known input.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fencesOf } from './fences.mjs';
import { GdpReader } from './gdp.mjs';
import { COLOURS, meanOf, sharesOf } from './picture.mjs';
import { SIZE, levelAt, toneOf } from './tone.mjs';

const RATE = 48_000;
const sine = (frequency, amplitude) => (_, at) =>
  amplitude * Math.sin((2 * Math.PI * frequency * at) / RATE);
const samples = (make) => Float32Array.from({ length: SIZE }, make);

test('a tone is found with its frequency and level', () => {
  const { frequency, level, rest } = toneOf(samples(sine(500, 0.5)), RATE);
  assert.ok(Math.abs(frequency - 500) < 0.1, `${frequency} Hz`);
  assert.ok(Math.abs(level - -6.02) < 0.1, `${level} dB`);
  assert.ok(rest < -70, `${rest} dB`);
});

test('other sounds beside a tone are measured', () => {
  const [loud, quiet] = [sine(500, 0.5), sine(1_234, 0.05)];
  const both = samples((_, at) => loud(_, at) + quiet(_, at));
  assert.ok(Math.abs(toneOf(both, RATE).rest - -20) < 0.2, `${toneOf(both, RATE).rest} dB`);
  assert.ok(Math.abs(levelAt(both, RATE, 1_234) - -26.02) < 0.2);
  assert.ok(levelAt(both, RATE, 800) < -70);
});

test('colours are distinguished, in a picture of odd height with padded rows', () => {
  const [width, height] = [50, 45];
  // Rows of 52 and 28 bytes, 46 and 23 of them.
  const data = Buffer.alloc(52 * 46 + 2 * 28 * 23);
  for (let y = 0; y < 46; y += 1) {
    for (let x = 0; x < 52; x += 1) data[52 * y + x] = COLOURS[x < 16 ? 'red' : 'blue'][0];
  }
  for (let y = 0; y < 23; y += 1) {
    for (let x = 0; x < 28; x += 1) {
      const [, u, v] = COLOURS[x < 8 ? 'red' : 'blue'];
      data[52 * 46 + 28 * y + x] = u;
      data[52 * 46 + 28 * 23 + 28 * y + x] = v;
    }
  }
  const shares = sharesOf({ width, height, data }, COLOURS, 2);
  assert.ok(Math.abs(shares.red - 2 / 6) < 1e-9 && Math.abs(shares.blue - 4 / 6) < 1e-9);
  assert.equal(shares.other, 0);
  const mean = meanOf({ width, height, data }, { x: 0, y: 0, width: 8, height: 8 });
  assert.deepEqual(
    mean.map(Math.round),
    COLOURS.red.map((value) => Math.trunc(value)),
  );
});

test('what gdppay writes is read from pieces of any size', () => {
  const packet = (type, pts, payload) => {
    const header = Buffer.alloc(62);
    header.writeUInt16BE(type, 4);
    header.writeUInt32BE(payload.length, 6);
    header.writeBigUInt64BE(pts, 10);
    return Buffer.concat([header, payload]);
  };
  const bytes = Buffer.concat([
    packet(64, 0n, Buffer.from('an event')),
    packet(2, 0n, Buffer.from('video/x-raw, width=(int)4\0')),
    packet(1, 1_500_000_000n, Buffer.from([1, 2, 3])),
    packet(1, 0xffff_ffff_ffff_ffffn, Buffer.from([4])),
  ]);
  for (const size of [1, 7, 61, 62, 63, 1000]) {
    const read = [];
    const reader = new GdpReader({
      caps: (caps) => read.push(caps),
      buffer: (data, pts) => read.push([...data], pts),
    });
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    assert.deepEqual(read, ['video/x-raw, width=(int)4', [1, 2, 3], 1.5, [4], null]);
  }
});

test('fences are taken out without the lines that only say ...', () => {
  const text = '# A\n```js\na;\n...\n  ...\nb...;\n```\n````\n```\n````\ntext\n## B\n~~~\nc\n~~~\n';
  assert.deepEqual(fencesOf('d.md', text), [
    { name: 'd.md: A', line: 2, code: 'a;\nb...;' },
    { name: 'd.md: A (2)', line: 8, code: '```' },
    { name: 'd.md: B', line: 13, code: 'c' },
  ]);
  assert.throws(() => fencesOf('d.md', '```js\na'), /line 1 has no end/);
});
