import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

// Vite demands a default export here; it is the one exception in the project.
// eslint-disable-next-line no-restricted-syntax
export default defineConfig({
  root: 'src/web',
  base: './',
  plugins: [preact()],
  build: { outDir: '../../dist/web', emptyOutDir: true, assetsInlineLimit: 0 },
});
