import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Where what was brought or built is kept; git ignores it. */
export const CACHE = `${ROOT}.cache/real-engine/`
