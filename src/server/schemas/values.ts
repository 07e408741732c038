import { z } from 'zod';

export const metadataValue = z.union([z.string(), z.number(), z.boolean()]);
