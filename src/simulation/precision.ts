/** How weights are stored. */
export type Precision = 'bf16' | 'fp8' | 'nvfp4' | 'mxfp4' | 'int4'

/** Bytes a parameter, scales included. Source: notes of the step-time model (nvfp4 9 bits in 16, int4 and MXFP4 4.25 bits). */
export const BYTES_PER_PARAMETER: Readonly<Record<Precision, number>> = {
  bf16: 2,
  fp8: 1,
  nvfp4: 0.5625,
  mxfp4: 0.53,
  int4: 0.53,
}

/** Peaks of an accelerator in teraflops, dense; null where the format is not computed natively. */
export interface ComputePeaks {
  readonly bf16Tflops: number
  readonly fp8Tflops: number | null
  readonly fp4Tflops: number | null
}

/**
 * The peak at which weights of a precision are multiplied. Weight-only formats (int4, and 4-bit floats where the
 * hardware lacks them) are unpacked and computed in bf16.
 */
export function computePeakTflops(peaks: ComputePeaks, precision: Precision): number {
  if (precision === 'fp8') return peaks.fp8Tflops ?? peaks.bf16Tflops
  if (precision === 'nvfp4' || precision === 'mxfp4') return peaks.fp4Tflops ?? peaks.bf16Tflops
  return peaks.bf16Tflops
}
