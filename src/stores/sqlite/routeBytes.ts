import { ROUTES, type RouteRecord } from '../../vocabulary/route.ts'
import { NO_AMOUNT } from './ring.ts'

/*
 * A route as the ledger keeps it: one byte each for `by`, the count of candidates and the count of those passed over;
 * then 16 bytes for each candidate (row of its name, score as a float of 32 bits, nano-dollars); and for each other the
 * row of its name, and the reason as UTF-8 behind its length. Numbers in big-endian order. Names repeat with every call, so
 * they stand in a table; reasons have times in them.
 */

/** Candidates that a route keeps, and as many that were passed over. */
export const MAX_ROUTE_NAMES = 255
/** Of a reason; the rest of a longer one is not worth a record. */
export const MAX_REASON_CHARACTERS = 160
/** Digits of a score that are kept. A float of 32 bits holds any six. */
const SCORE_DIGITS = 6
const LARGEST_FLOAT32 = 3.402823e38

const HEAD_BYTES = 3
const CANDIDATE_BYTES = 16
const PASSED_OVER_BYTES = 6
const MOST_BYTES = HEAD_BYTES + MAX_ROUTE_NAMES * (CANDIDATE_BYTES + PASSED_OVER_BYTES + 3 * MAX_REASON_CHARACTERS)

/** A score as it is kept: six digits, within what a float of 32 bits holds. */
export function keptScore(score: number): number {
  const bounded = Math.max(-LARGEST_FLOAT32, Math.min(LARGEST_FLOAT32, score))
  return Number(Math.fround(Number(bounded.toPrecision(SCORE_DIGITS))).toPrecision(SCORE_DIGITS))
}

/** Lays out one route after the other, each in bytes of its own. */
export class RouteBytes {
  readonly #bytes = Buffer.alloc(MOST_BYTES)
  #end = 0

  begin(by: number, candidates: number, passedOver: number): void {
    this.#bytes[0] = by
    this.#bytes[1] = candidates
    this.#bytes[2] = passedOver
    this.#end = HEAD_BYTES
  }

  /** @param score NaN when not known */
  candidate(deployment: number, score: number, dollars: bigint): void {
    this.#bytes.writeUInt32BE(deployment, this.#end)
    this.#bytes.writeFloatBE(Number.isNaN(score) ? score : keptScore(score), this.#end + 4)
    this.#bytes.writeBigInt64BE(dollars, this.#end + 8)
    this.#end += CANDIDATE_BYTES
  }

  /** @param why UTF-8 */
  passedOver(deployment: number, why: Uint8Array): void {
    this.#bytes.writeUInt32BE(deployment, this.#end)
    this.#bytes.writeUInt16BE(why.length, this.#end + 4)
    this.#bytes.set(why, this.#end + PASSED_OVER_BYTES)
    this.#end += PASSED_OVER_BYTES + why.length
  }

  /** What was laid out, until the next `begin`. */
  taken(): Uint8Array {
    return this.#bytes.subarray(0, this.#end)
  }
}

/** @param nameOf gives the text of a row of `contenders` */
export function routeFrom(bytes: Uint8Array, nameOf: (row: bigint) => string): RouteRecord {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const name = (at: number) => nameOf(BigInt(view.readUInt32BE(at)))
  let end = HEAD_BYTES
  const candidates = Array.from({ length: view[1]! }, () => {
    const at = end
    end += CANDIDATE_BYTES
    const score = view.readFloatBE(at + 4)
    const dollars = view.readBigInt64BE(at + 8)
    return {
      deployment: name(at),
      score: Number.isNaN(score) ? null : Number(score.toPrecision(SCORE_DIGITS)),
      dollars: dollars === NO_AMOUNT ? null : dollars,
    }
  })
  const passedOver = Array.from({ length: view[2]! }, () => {
    const at = end
    end += PASSED_OVER_BYTES + view.readUInt16BE(at + 4)
    return { deployment: name(at), why: view.toString('utf8', at + PASSED_OVER_BYTES, end) }
  })
  return { by: ROUTES[view[0]!]!, candidates, passedOver }
}
