import { answerProbe } from '../probe-report.js';

await answerProbe(async () => {
  const { default: sharp } = await import('sharp');
  const picture = { create: { width: 4, height: 4, channels: 3, background: { r: 255, g: 0, b: 0 } } } as const;
  const jpeg = await sharp(picture).jpeg().toBuffer();
  const { data } = await sharp(jpeg).resize(2, 2).raw().toBuffer({ resolveWithObject: true });
  if (data.length !== 12 || (data[0] ?? 0) < 240) throw new Error('a red picture did not come back red');
  return `${sharp.versions.sharp} (libvips ${sharp.versions.vips})`;
});
