import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { addAssets } from './assets';
import { dependencies } from './package.json';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const output = process.env['PREVIEW_OUT'] ?? here('../build/preview');
const place = dependencies['@grafana/ui']; // the files of one version never change: browsers keep them

export default defineConfig({
  base: '/dashboards/',
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis', __PLACE__: JSON.stringify(place) },
  esbuild: { jsx: 'automatic', legalComments: 'none' },
  resolve: {
    alias: [
      // The editor of queries is a third of the libraries' weight, and nothing is edited here.
      { find: /^(monaco-editor.*|@monaco-editor\/react|react-monaco-editor)$/, replacement: here('src/no-editor.ts') },
      { find: /^@grafana\/scenes$/, replacement: here('node_modules/@grafana/scenes/dist/esm/index.js') },
    ],
  },
  plugins: [addAssets(here('node_modules'), output, place)],
  build: { outDir: output, emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 5000, modulePreload: { polyfill: false } },
});
