import type { Regularizer } from './regularizer.js';

/** The loss alone. */
export const none: Regularizer = { name: 'none', needsReference: false, defaultLambda: () => 0 };
