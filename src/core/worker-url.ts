/**
 * The compiled file of a worker thread that sits beside `moduleUrl`. Node cannot run TypeScript in a worker, so when the
 * caller itself runs from src/ (in tests) the worker comes from dist/, which the tests' global setup builds.
 */
export function workerUrl(name: string, moduleUrl: string): URL {
  const url = new URL(name, moduleUrl);
  if (url.pathname.includes('/dist/')) return url;
  url.pathname = url.pathname.replace(/\/src\/(?!.*\/src\/)/, '/dist/');
  return url;
}
