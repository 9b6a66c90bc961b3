/** How others choose a replica, for comparison. None of them has a queue: every call goes to an engine at once. */
export type PeerPolicy = 'roundRobin' | 'leastLoaded' | 'prefixAware'

/** Who chooses replicas. */
export type Policy = PeerPolicy | 'penstock'

export const POLICIES: readonly Policy[] = ['penstock', 'roundRobin', 'leastLoaded', 'prefixAware']
