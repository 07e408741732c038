/** What a stem worker is set up with, once. */
export interface StemSetup {
  readonly onnx: Uint8Array;
  readonly inputSize: number;
  /** Decoded pictures are kept at this size, so that crops have room. */
  readonly cacheSize: number;
  readonly paths: readonly string[];
  /** Decoded pixels of all pictures, paths.length × cacheSize² × 3, shared by the workers. */
  readonly pixels: SharedArrayBuffer;
  /** One Int32 a picture: 0 not decoded, 1 decoded. */
  readonly state: SharedArrayBuffer;
}

export interface StemJob {
  /** Positions in `paths`. */
  readonly indices: readonly number[];
  /** Augmentation seeds, one an image; null for the plain centre crop. */
  readonly seeds: readonly string[] | null;
}

export interface StemResult {
  /** indices.length × (the stem's output size) values, laid out as the stem gives them. */
  readonly activations: Float32Array<ArrayBuffer>;
}
