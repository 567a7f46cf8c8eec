// What a browser fetches to show the list of orders, packed: fails above the budget.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const BUDGET = 250_000; // bytes of JavaScript, gzip
const output = process.env.CONSOLE_OUT ?? fileURLToPath(new URL('../../build/console', import.meta.url));
const manifest = JSON.parse(readFileSync(join(output, 'manifest.json'), 'utf8'));
const found = new Set();

function collect(key) {
  if (!found.has(manifest[key].file)) {
    found.add(manifest[key].file);
    (manifest[key].imports ?? []).forEach(collect);
  }
}

collect('index.html');
const size = [...found].reduce((sum, file) => sum + gzipSync(readFileSync(join(output, file)), { level: 9 }).length, 0);
console.log(`JavaScript of the list of orders: ${(size / 1000).toFixed(1)} kB gzip of ${BUDGET / 1000}`);
if (size > BUDGET) {
  console.error('error: too much; load what the list does not need with its own page (src/router.tsx)');
  process.exit(1);
}
