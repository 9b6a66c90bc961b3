import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Whether a request carries the admin token as bearer. Hashes are compared, in constant time, so that neither the
 * token's length nor its beginning can be found by measuring.
 */
export function bearerCheck(adminToken: string): (authorization: string | undefined) => boolean {
  const expected = digest(adminToken)
  return authorization => {
    const found = /^bearer +(\S+) *$/i.exec(authorization ?? '')
    return found !== null && timingSafeEqual(digest(found[1]!), expected)
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
