import { createRegistry } from '../../core/registry.js';
import { carsSource } from './cars.js';
import { csvSource } from './csv.js';
import { cubSource } from './cub.js';
import { emojiSource } from './emoji.js';
import { folderSource } from './folder.js';
import { grocerySource } from './grocery.js';
import { inShopSource } from './in-shop.js';
import { omniglotSource } from './omniglot.js';
import { onlineProductsSource } from './online-products.js';

export const datasetSources = createRegistry('data set source', {
  emoji: emojiSource,
  grocery: grocerySource,
  omniglot: omniglotSource,
  cub: cubSource,
  cars: carsSource,
  sop: onlineProductsSource,
  'in-shop': inShopSource,
  folder: folderSource,
  csv: csvSource,
});
