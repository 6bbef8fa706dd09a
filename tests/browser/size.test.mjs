// The size of the library for a page.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const LIBRARY = fileURLToPath(new URL('../../web/acscall.js', import.meta.url));
/** In bytes. From 20 000 when objects came to work behind proxies and ACS' own samples to run. */
const MOST = 24_000;

test('the library, bundled, minified and compressed, is below 24 kB', async (t) => {
  const { outputFiles } = await build({
    entryPoints: [LIBRARY],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  const [{ contents }] = outputFiles;
  const gzip = gzipSync(contents, { level: 9 }).length;
  const brotli = brotliCompressSync(contents).length;
  t.diagnostic(`${contents.length} bytes minified, ${gzip} with gzip -9, ${brotli} with brotli`);
  assert.ok(gzip < MOST, `${gzip} bytes with gzip -9`);
});
