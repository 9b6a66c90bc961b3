/** A simulated model that is served when nothing is configured. */
export interface EmbeddedModel {
  /** The name that clients ask for. */
  readonly name: string
  readonly simulated: {
    readonly model: string
    readonly accelerator: { readonly kind: string; readonly count: number; readonly dollarsPerHour: bigint }
    readonly replicas: number
    readonly speed: number
  }
}

/** Median of published on-demand prices of 2026 for one hour of an H100, in nano-dollars. */
const H100_DOLLARS_PER_HOUR = 2_950_000_000n

/** A dense model and a mixture of experts, each on two replicas of one H100, in real time. The first is the default. */
export const EMBEDDED_MODELS: readonly EmbeddedModel[] = ['Llama-3.1-8B', 'Qwen3-30B-A3B'].map(model => ({
  name: model.toLowerCase(),
  simulated: {
    model,
    accelerator: { kind: 'H100-SXM', count: 1, dollarsPerHour: H100_DOLLARS_PER_HOUR },
    replicas: 2,
    speed: 1,
  },
}))
