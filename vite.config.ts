import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import preact from '@preact/preset-vite';
import { defineConfig, type Plugin } from 'vite';

/** Puts Swagger UI, with its licence, beside docs/index.html: it comes with the build, not with the package. */
function apiDocs(): Plugin {
  const require = createRequire(import.meta.url);
  return {
    name: 'api-docs',
    generateBundle() {
      for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css', 'LICENSE', 'NOTICE']) {
        const source = readFileSync(require.resolve(`swagger-ui-dist/${file}`));
        this.emitFile({ type: 'asset', fileName: `docs/${file}`, source });
      }
    },
  };
}

// Vite demands a default export here; it is the one exception in the project.
// eslint-disable-next-line no-restricted-syntax
export default defineConfig({
  root: 'src/web',
  base: './',
  plugins: [preact(), apiDocs()],
  build: { outDir: '../../dist/web', emptyOutDir: true, assetsInlineLimit: 0 },
});
