// Packed twins of all that is text, for a server that has no time to pack.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

const PACKABLE = new Set(['.js', '.css', '.svg']);
const SMALLEST = 1024; // bytes; below, the headers cost more than packing saves

export function packAssets(output: string): Plugin {
  return {
    name: 'palmonas-pack',
    apply: 'build',
    async closeBundle() {
      for (const name of await readdir(join(output, 'assets'))) {
        const path = join(output, 'assets', name);
        const whole = await readFile(path);
        if (PACKABLE.has(extname(name)) && whole.length >= SMALLEST) {
          await writeFile(`${path}.br`, await promisify(brotliCompress)(whole));
          await writeFile(`${path}.gz`, await promisify(gzip)(whole, { level: 9 }));
        }
      }
    },
  };
}
