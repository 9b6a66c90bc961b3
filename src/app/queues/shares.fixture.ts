import type { Day } from './world.fixture.ts'

export function checkShares(_day: Day): void {}
