import { answerCalls } from './owner-port.js';

// Runs as a worker thread.
answerCalls(async (options) => {
  // Loaded here, so that a missing native module is an answer and not a crash.
  const { Owner } = await import('./owner.js');
  return new Owner(options).handlers;
});
