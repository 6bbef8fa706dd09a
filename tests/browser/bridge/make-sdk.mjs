// Creates a directory with stand-ins for the SDKs' packages, for programs that load them from one:
//
//   node make-sdk.mjs DIRECTORY
//
// Scripts simulate the calls: see stand-in/acs/package.ts and stand-in/agora/package.ts.

import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

/** The packages, with the versions that the stand-ins follow. */
const PACKAGES = [
  {
    name: '@azure/communication-calling',
    version: '2.0.0',
    file: 'dist-esm/sdk.bundle.js',
    manifest: { main: 'dist/sdk.bundle.js', module: 'dist-esm/sdk.bundle.js' },
    entry: 'stand-in/acs/package.ts',
    format: 'esm',
  },
  {
    name: '@azure/communication-common',
    version: '2.5.0',
    file: 'dist/browser/index.js',
    manifest: {
      type: 'module',
      exports: { '.': { browser: { default: './dist/browser/index.js' } } },
    },
    entry: 'stand-in/acs/common.ts',
    format: 'esm',
  },
  {
    name: 'agora-rtc-sdk-ng',
    version: '4.24.8',
    file: 'AgoraRTC_N-production.js',
    manifest: { main: 'AgoraRTC_N-production.js' },
    entry: 'stand-in/agora/package.ts',
    format: 'iife',
  },
];

/** Writes `directory`/node_modules. */
export async function makeSdk(directory) {
  for (const { name, version, file, manifest, entry, format } of PACKAGES) {
    const at = join(directory, 'node_modules', name);
    await mkdir(join(at, file, '..'), { recursive: true });
    await writeFile(join(at, 'package.json'), JSON.stringify({ name, version, ...manifest }));
    await writeFile(join(at, file), await bundle(entry, { format }));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [directory] = process.argv.slice(2);
  if (!directory) throw new Error('name the directory');
  await makeSdk(resolve(directory));
}
