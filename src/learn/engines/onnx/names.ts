/** ONNX names of what the two graphs exchange; node names may hold characters that other tools dislike. */
export const valueName = (node: string): string => `value:${node}`;
export const parameterName = (name: string): string => `parameter:${name}`;
/** ∂L/∂parameter, or ∂L/∂output. */
export const gradientName = (parameterOrOutput: string): string => `gradient:${parameterOrOutput}`;
/** What earlier pieces of the batch have added up for a parameter's gradient. */
export const sumName = (parameter: string): string => `sum:${parameter}`;
