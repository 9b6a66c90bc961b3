import type { Tokens } from '../../units/tokens.ts'

/*
 * Bytes of UTF-8 a token, measured with gpt-tokenizer 4.0.0 (mean of a kind of text; in brackets the least of any
 * sample of it):
 *
 *   kind                                    o200k_base    cl100k_base
 *   GSM8K questions (English)               4.10 (3.00)   4.06 (3.00)
 *   GSM8K answers (English and sums)        2.86 (1.94)   2.85 (1.90)
 *   SpamAssassin mail, with its markup      3.59 (1.55)   3.55 (1.43)
 *   TypeScript and Python                   3.8 to 4.4 (2.25)   the same
 *   JSON                                    3.23 (2.53)   3.26 (2.55)
 *   tables of numbers and dates             1.68 to 2.51 (1.67)   the same
 *   Japanese, Chinese, Korean               3.2 to 4.0 (3.02)   2.5 to 3.0 (2.25)
 *   Russian, German, French, Vietnamese     3.7 to 5.3 (3.27)   2.7 to 3.9 (2.49)
 *   random base64, hexadecimal, punctuation 1.46 to 1.76 (1.44)   1.39 to 1.76 (1.37)
 *
 * In UTF-8 the languages differ far less than in characters, so that one figure serves them all.
 */
const BYTES_PER_INPUT_TOKEN = 3.6
/** Answers have more sums, lists and arguments of tools than prompts. */
const BYTES_PER_OUTPUT_TOKEN = 3.4

/**
 * The share of the truth by which a bound may fall short of it, at most, for the tokenizers and texts it was calibrated
 * with: today's of OpenAI and that of a small open model, over prose, mail, code, tables, many languages and hostile texts.
 */
export const INPUT_MARGIN = 0.02
/** The same share for texts contrived to be weighed too lightly; three tokens for four bytes would promise no less. */
export const CONTRIVED_MARGIN = 0.25
/**
 * Tokens by which a template surrounds a prompt, a system prompt of its own among them. With what the JSON around one
 * message weighs they are the 66 of gpt-oss, the longest known; SmolLM2 has 31, a chat at OpenAI 7.
 */
const TEMPLATE_TOKENS = 50

/**
 * The most input tokens that a prompt is held for: by the weights of its text, never below the truth by more than
 * `INPUT_MARGIN` where it was measured (decisions/0007); what the truth does exceed is posted as an overrun.
 */
export function boundInputTokens({ promptWeight }: { readonly promptWeight: number }): Tokens {
  return Math.ceil(promptWeight) + TEMPLATE_TOKENS
}

/** Input tokens to be expected, where an upstream reports none. Within a fifth of the truth over English, a third over code and other languages. */
export function estimateInputTokens(promptBytes: number): Tokens {
  return Math.ceil(promptBytes / BYTES_PER_INPUT_TOKEN)
}

/** Output tokens to be expected from what an answer showed: text, reasoning and arguments of tools. */
export function estimateOutputTokens(contentBytes: number): Tokens {
  return Math.ceil(contentBytes / BYTES_PER_OUTPUT_TOKEN)
}

/** What limits the length of an answer; null where nobody named a limit. */
export interface OutputLimits {
  /** The caller's own, for each choice. */
  readonly callerMaximum: Tokens | null
  /** How many answers were asked for. */
  readonly choices: number
  /** The model's, for each choice. */
  readonly modelMaximum: Tokens | null
  /** Assumed where neither is known. */
  readonly cap: Tokens
}

/**
 * The most output tokens that a call is held for: the caller's maximum, but no more than the model can write; else the
 * model's; else the cap. A hold is never left out because a maximum is missing.
 */
export function outputBound({ callerMaximum, choices, modelMaximum, cap }: OutputLimits): Tokens {
  const perChoice =
    callerMaximum === null ? (modelMaximum ?? cap) : Math.min(callerMaximum, modelMaximum ?? callerMaximum)
  return perChoice * Math.max(1, choices)
}
