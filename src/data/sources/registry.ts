import { createRegistry } from '../../core/registry.js';
import { csvSource } from './csv.js';
import { emojiSource } from './emoji.js';
import { folderSource } from './folder.js';
import { grocerySource } from './grocery.js';
import { omniglotSource } from './omniglot.js';

export const datasetSources = createRegistry('data set source', {
  emoji: emojiSource,
  grocery: grocerySource,
  omniglot: omniglotSource,
  folder: folderSource,
  csv: csvSource,
});
