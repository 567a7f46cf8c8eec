/// <reference types="vitest/config" />
import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { packAssets } from './pack';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const output = process.env['CONSOLE_OUT'] ?? here('../build/console');
const api = process.env['PALMONAS_URL'] ?? 'http://127.0.0.1:4000';

export default defineConfig({
  base: '/console/',
  plugins: [react(), tailwind(), packAssets(output)],
  server: {
    host: '127.0.0.1',
    port: 5173,
    strictPort: true,
    // All that is not the console's own: the API, /rq, /docs, /dashboards. The host stays as the browser has it:
    // the API compares it with where a request came from.
    proxy: { '^/(?!console(/|$))': { target: api, changeOrigin: false } },
  },
  build: {
    outDir: output,
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    manifest: 'manifest.json',
    // A data: address would need a hole in the content policy.
    assetsInlineLimit: 0,
  },
  test: { pool: 'threads', poolOptions: { threads: { singleThread: true } }, include: ['src/**/*.test.{ts,tsx}'], setupFiles: ['src/test/setup.ts'], restoreMocks: true },
});
