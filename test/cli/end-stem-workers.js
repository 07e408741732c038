// Preloaded into the real binary: ends a stem worker as it gets its job, KINDRED_TEST_DEATHS times, from the 5th job on.
import { isMainThread, Worker } from 'node:worker_threads';

let jobs = 0;
if (isMainThread) {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, transfer) {
    jobs += message?.kind === 'job' && 'seeds' in message.request ? 1 : 0;
    const deaths = Number(process.env['KINDRED_TEST_DEATHS']);
    if (message?.kind === 'job' && jobs >= 5 && jobs < 5 + deaths) void this.terminate();
    else post.call(this, message, transfer);
  };
}
