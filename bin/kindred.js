#!/usr/bin/env node
// Plain JavaScript that parses on any Node, so that a too old one is told so instead of meeting a SyntaxError.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `kindred: error [node-too-old]: Node ${process.versions.node} is too old.\n  Install Node 20.19 or newer (22 and 24 work too) and run this again.`,
  );
  process.exit(1);
}
import('../dist/cli/main.js').then(
  (main) => main.run(process.argv),
  (cause) => {
    const missing = cause && cause.code === 'ERR_MODULE_NOT_FOUND' && /dist.cli.main/.test(String(cause.message));
    console.error(
      missing ? 'kindred: error [not-built]: this checkout is not built yet.\n  Run: npm run build' : cause,
    );
    process.exit(1);
  },
);
