/** A source of numbers that are uniform in [0, 1). */
export type Uniform = () => number

const TWO_TO_32 = 4_294_967_296

/**
 * Numbers that look random and are the same for the same seed, on every machine.
 *
 * @param seed a whole number; only its lower 32 bits count
 * @param stream separates independent sequences of one seed
 * Source: sfc32 of PractRand, a small chaotic generator with a counter, so that no sequence is shorter than 2^32.
 */
export function seededUniform(seed: number, stream = 0): Uniform {
  let a = seed | 0
  let b = stream | 0
  let c = 0x9e3779b9 | 0
  let counter = 1
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / TWO_TO_32
  }
  // The first outputs still show the seed.
  for (let i = 0; i < 15; i++) next()
  return next
}

/** Exponential with a mean of 1: the gaps of a Poisson process. */
export function drawExponential(uniform: Uniform): number {
  return -Math.log(1 - uniform())
}

function drawNormal(uniform: Uniform): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}

/**
 * Gamma with a scale of 1, so that its mean is its shape.
 *
 * @param shape positive
 * Source: Marsaglia and Tsang, A simple method for generating gamma variables, 2000; with their boost below shape 1.
 */
export function drawGamma(shape: number, uniform: Uniform): number {
  if (shape < 1) return drawGamma(shape + 1, uniform) * (1 - uniform()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = drawNormal(uniform)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/** Weibull with a scale of 1; its mean is Γ(1 + 1/shape). */
export function drawWeibull(shape: number, uniform: Uniform): number {
  return drawExponential(uniform) ** (1 / shape)
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
]

/**
 * Γ(x) for x ≥ 0.5, to 13 digits.
 *
 * Source: Lanczos' approximation with g = 7 and nine terms.
 */
export function gammaFunction(x: number): number {
  const z = x - 1
  let sum = 0.9999999999998099
  for (const [i, coefficient] of LANCZOS.entries()) sum += coefficient / (z + i + 1)
  const t = z + 7.5
  return Math.sqrt(2 * Math.PI) * t ** (z + 0.5) * Math.exp(-t) * sum
}
