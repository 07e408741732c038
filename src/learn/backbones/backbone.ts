import type { Network, PixelScale } from '../../model/graph.js';

/** A pretrained convolutional network, cut where its features retrieve best. */
export interface Backbone {
  /** As on the command line: a known name, or the path of a layers model. */
  readonly name: string;
  /** The last layer that is kept. */
  readonly cut: string;
  readonly scale: PixelScale;
  /** Where a CPU should start to train, unless told otherwise. */
  readonly trainFrom: string | undefined;
  /** Where the weights came from, and under which licence. */
  readonly source: string;
  /** The network for pictures of inputSize × inputSize px, input scaled, output [h, w, c]. */
  network(inputSize: number): Network;
}

export interface BackboneOptions {
  /** A local copy of a named backbone: a folder with model.json, or that file. */
  readonly from?: string | undefined;
  readonly cut?: string | undefined;
  /** Name of a pixel scale; needed for a PATH. */
  readonly scale?: string | undefined;
}

export type BackboneLoader = (options: BackboneOptions) => Promise<Backbone>;
