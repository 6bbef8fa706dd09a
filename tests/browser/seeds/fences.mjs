// The code fences of the seed documents, as they are printed there.

import { readdir, readFile } from 'node:fs/promises';

/**
 * @typedef {object} Fence
 * @property {string} name Its place: `document: heading`, with ` (2)` for the second under it.
 * @property {number} line The document's line where it begins.
 * @property {string} code
 */

/** The documents' placeholder for the reader's code, which is no line of the program. */
const ELLIPSIS = '...';

/**
 * Returns all code fences of all documents here, in order.
 * @returns {Promise<Fence[]>}
 */
export async function readFences() {
  const names = await readdir(new URL('.', import.meta.url));
  const documents = names.filter((name) => name.endsWith('.md') && name !== 'README.md').sort();
  const texts = documents.map((name) => readFile(new URL(name, import.meta.url), 'utf8'));
  return (await Promise.all(texts)).flatMap((text, at) => fencesOf(documents[at], text));
}

/**
 * @param {string} document
 * @param {string} text
 * @returns {Fence[]}
 */
export function fencesOf(document, text) {
  /** @type {Fence[]} */
  const fences = [];
  let heading = '';
  /** @type {{mark: string, line: number, lines: string[]} | null} */
  let open = null;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (open && mark?.startsWith(open.mark) && line.trim() === mark) {
      const place = `${document}: ${heading}`;
      const before = fences.filter(({ name }) => name === place || name.startsWith(`${place} (`));
      const name = before.length === 0 ? place : `${place} (${before.length + 1})`;
      fences.push({ name, line: open.line, code: open.lines.join('\n') });
      open = null;
    } else if (open) {
      if (line.trim() !== ELLIPSIS) open.lines.push(line);
    } else if (mark) {
      open = { mark, line: index + 1, lines: [] };
    } else {
      heading = /^#+\s+(.*)$/.exec(line)?.[1] ?? heading;
    }
  }
  if (open) throw new Error(`${document}: the code fence of line ${open.line} has no end`);
  return fences;
}
