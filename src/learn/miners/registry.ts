import { createRegistry } from '../../core/registry.js';
import { all } from './all.js';
import { hard } from './hard.js';
import type { Miner } from './miner.js';
import { semiHard } from './semi-hard.js';

export const miners = createRegistry<Miner>('miner', { 'semi-hard': semiHard, hard, all });
