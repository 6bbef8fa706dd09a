// Bundles the SDKs' packages and the stand-ins for their services as scripts for pages.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles an entry beside this file and returns the text of the script.
 * @param {string} entry
 * @param {import('esbuild').BuildOptions} [options]
 */
export async function bundle(entry, options) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    write: false,
    minifyWhitespace: true,
    format: 'iife',
    target: 'es2022',
    // Like applications' bundlers: the file for browsers, not the one for Node.
    mainFields: ['browser', 'module', 'main'],
    logLevel: 'error',
    ...options,
  });
  return outputFiles[0].text;
}
