// The packages of the SDKs and what stands in for their services, as scripts for pages.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles an entry beside this file; what it returns is the script's text.
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
    // As its users' bundlers would: the file for browsers, not that for Node.
    mainFields: ['browser', 'module', 'main'],
    logLevel: 'error',
    ...options,
  });
  return outputFiles[0].text;
}
