import { headerFilter } from './filter.ts'

/**
 * Which of the caller's headers go up: all but those that belong to its connection, say who it is, or would be wrong
 * for the body that we send. Whoever adds one, such as a beta flag, finds it at the upstream unchanged.
 */
export const forwardedHeaders: (raw: readonly string[]) => string[] = headerFilter({
  names: [
    'host',
    'content-length',
    'expect',
    // The caller's keys open this gateway and nothing else.
    'authorization',
    'x-api-key',
    'x-goog-api-key',
    'api-key',
    'cookie',
    // The answer's bytes are read in passing.
    'accept-encoding',
    // Checksums of a body in which we change the model's name.
    'content-md5',
    'content-digest',
    'repr-digest',
    'digest',
    'forwarded',
    'via',
    'x-real-ip',
    'true-client-ip',
    'cf-connecting-ip',
  ],
  prefixes: ['x-forwarded-', 'proxy-', 'x-penstock-'],
})

/** Which of the upstream's headers go to the caller: all but those that belong to its connection or speak for its host. */
export const answerHeaders: (raw: readonly string[]) => string[] = headerFilter({
  names: [
    // The gateway frames the answer anew.
    'content-length',
    // Cookies of the upstream's balancers belong to our connection, and would mix its callers up.
    'set-cookie',
    // These would bind the caller's client to a host that it never asked, or send it there with its key.
    'alt-svc',
    'strict-transport-security',
    'public-key-pins',
    'location',
    'content-location',
    'refresh',
    'clear-site-data',
    'nel',
    'report-to',
    'reporting-endpoints',
    // We tell our own, in which the upstream's part is one.
    'server-timing',
  ],
  prefixes: ['proxy-', 'x-penstock-'],
})
