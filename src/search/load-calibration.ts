import { join } from 'node:path';
import { KindredError } from '../core/errors.js';
import { exists, readJson } from '../core/files.js';
import { isIntact } from '../core/sealed.js';
import { calibrationFile, calibrationSchema, type Calibration } from '../model/calibration.js';

/**
 * The calibration beside a model, or null where there is none.
 * @throws KindredError bundle-invalid when it cannot be read or is another model's
 */
export async function loadCalibration(modelFolder: string, fingerprint: string): Promise<Calibration | null> {
  const path = join(modelFolder, calibrationFile);
  if (!(await exists(path))) return null;
  const json = await readJson(path).catch((error: unknown) => error);
  const parsed = calibrationSchema.safeParse(json);
  const hint = 'Make it anew with kindred calibrate, or remove it to go without scores.';
  if (!parsed.success || !isIntact(json)) {
    throw new KindredError('bundle-invalid', `${path} is damaged`, { hint, cause: parsed.error });
  }
  if (parsed.data.fingerprint !== fingerprint) {
    throw new KindredError('bundle-invalid', `${path} belongs to another model`, { hint });
  }
  return parsed.data;
}
