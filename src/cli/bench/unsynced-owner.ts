import { answerCalls } from '../../indexing/embedded/owner-port.js';
import { Owner } from '../../indexing/embedded/owner.js';
import { openDatabase } from '../../indexing/embedded/schema.js';
import { pragma } from '../../indexing/embedded/statements.js';

// Runs as a worker thread: a catalogue that never waits for the disk, and so loses writes in a power cut. Only to be measured against.
answerCalls((options) => {
  const owner = new Owner(options, (database) => {
    const opened = openDatabase(database);
    pragma(opened.db, 'synchronous = OFF');
    return opened;
  });
  return Promise.resolve(owner.handlers);
});
