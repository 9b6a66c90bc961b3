import { describe, expect, it } from 'vitest'
import { nobodyFor } from './endings.ts'

const NOW = 1_800_000_000_000

describe('a call that nobody could be asked for', () => {
  it('is told why each deployment was passed over, and when one may be asked again', () => {
    const passedOver = [{ deployment: 'a/m', why: 'failed, and is left alone until noon' }]
    const choice = { options: [], record: { by: 'inOrder' as const, candidates: [], passedOver } }
    expect(nobodyFor(choice, NOW + 3_000, NOW)).toEqual({
      cause: 'noDeployment',
      message: 'no deployment can serve this model just now: a/m failed, and is left alone until noon',
      retryAfterMs: 3_000,
    })
  })

  it('is told that its time was over, and nothing of deployments that are well', () => {
    expect(nobodyFor(null, null, NOW)).toEqual({
      cause: 'noDeployment',
      message: 'the time for this call was over before it could start',
    })
  })
})
