// What the libraries fetch at run time (icons, fonts), and packed twins of all that is text.
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

const PACKABLE = new Set(['.js', '.css', '.svg']);
const SMALLEST = 1024; // bytes; below, the headers cost more than packing saves
const FONTS = {
  'inter/Inter-Regular.woff2': '@fontsource/inter/files/inter-latin-400-normal.woff2',
  'inter/Inter-Medium.woff2': '@fontsource/inter/files/inter-latin-500-normal.woff2',
  'inter/Inter-Italic.woff2': '@fontsource/inter/files/inter-latin-400-italic.woff2',
  'inter/Inter-MediumItalic.woff2': '@fontsource/inter/files/inter-latin-500-italic.woff2',
  // The names @grafana/ui asks for.
  'roboto/L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ.woff2':
    '@fontsource/roboto-mono/files/roboto-mono-latin-400-normal.woff2',
};

/** Copies into `place` (below the output's assets) what @grafana/ui fetches by fixed names, and packs the output. */
export function addAssets(modules: string, output: string, place: string): Plugin {
  return {
    name: 'palmonas-assets',
    apply: 'build',
    async closeBundle() {
      const assets = join(output, 'assets');
      const icons = join(assets, place, 'build/img/icons');
      await cp(join(modules, '@grafana/ui/dist/public/img/icons'), icons, { recursive: true });
      // Icons that the libraries ask for and that their packages do not hold.
      await cp(join(modules, '../icons'), join(icons, 'unicons'), { recursive: true });
      for (const [name, source] of Object.entries(FONTS)) {
        const target = join(assets, place, 'fonts', name);
        await mkdir(dirname(target), { recursive: true });
        await cp(join(modules, source), target);
      }
      for (const name of await readdir(assets, { recursive: true })) {
        if (PACKABLE.has(extname(name))) {
          await packFile(join(assets, name));
        }
      }
    },
  };
}

async function packFile(path: string): Promise<void> {
  const whole = await readFile(path);
  if (whole.length < SMALLEST) {
    return;
  }
  // Quality 9: within some percent of 11 at a tenth of the time.
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(whole, quality));
  await writeFile(`${path}.gz`, await promisify(gzip)(whole, { level: 9 }));
}
