import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base'
import { startRealEngine } from '../../scripts/real-engine/engine.ts'

/** Counts tokens exactly, in texts and in what a template puts around them. */
export interface Tokenizer {
  readonly name: string
  count(text: string): Promise<number>
  /** Of a chat without its messages, and of a message without its text. */
  readonly chatTokens: number
  readonly messageTokens: number
}

/** OpenAI documents its chats as three tokens for the answer's head and three for each message, besides its role. */
const OPENAI = { chatTokens: 3, messageTokens: 4 }

export interface Tokenizers {
  readonly all: readonly Tokenizer[]
  stop(): Promise<void>
}

async function answerOf(url: string, question: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(question) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Record<string, unknown>
}

/** Those of OpenAI, and that of the model which `npm run real-engine` serves; it is started here. */
export async function startTokenizers(tell: (line: string) => void): Promise<Tokenizers | { unavailable: string }> {
  const engine = await startRealEngine({ tell })
  if ('unavailable' in engine) return engine
  const count = async (content: string) => {
    const { tokens } = await answerOf(`${engine.url}/tokenize`, { content, add_special: true, parse_special: false })
    return (tokens as readonly unknown[]).length
  }
  const chat = async (messages: number) => {
    const turns = Array.from({ length: messages }, () => ({ role: 'user', content: '' }))
    const { prompt } = await answerOf(`${engine.url}/apply-template`, { messages: turns })
    const { tokens } = await answerOf(`${engine.url}/tokenize`, { content: prompt, parse_special: true })
    return (tokens as readonly unknown[]).length
  }
  const [one, two] = [await chat(1), await chat(2)]
  return {
    all: [
      { name: 'o200k_base', count: async text => countO200k(text), ...OPENAI },
      { name: 'cl100k_base', count: async text => countCl100k(text), ...OPENAI },
      { name: engine.modelName, count, chatTokens: 2 * one - two, messageTokens: two - one },
    ],
    stop: engine.stop,
  }
}
