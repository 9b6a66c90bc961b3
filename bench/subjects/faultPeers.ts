import {
  CASES,
  type Case,
  DEAF_HOST,
  faultyBase,
  HEALTHY_HOST,
  healthyBase,
  LIMITS,
  REFUSING_HOST,
} from '../load/faulty.ts'
import type { Subject } from '../subject.ts'
import { MODEL } from '../traffic.ts'
import { litellm, litellmCommand, modelAt, QUIET } from './litellm.ts'
import { portkey } from './portkey.ts'

const MS_PER_SECOND = 1_000

/**
 * LiteLLM at its best for this: each model falls back on the healthy deployment at once, because a retry of the failing
 * one first waits, for as long as a `retry-after` says; a deployment that fails is cooled down; both of its time limits
 * are set.
 */
export const litellmFaults: Subject = {
  ...litellm,
  name: 'litellm-faults',
  describe: () =>
    `${litellm.describe()}; fallbacks, num_retries 0, timeout, stream_timeout, allowed_fails, cooldown_time`,
  only: 'faults',
  command: place =>
    litellmCommand(place, {
      model_list: [
        modelAt(MODEL.openai, healthyBase(place.upstreamPort)),
        ...CASES.map(({ name, fault }) => modelAt(name, faultyBase(fault, place.upstreamPort))),
      ],
      router_settings: {
        fallbacks: CASES.map(({ name }) => ({ [name]: [MODEL.openai] })),
        num_retries: 0,
        timeout: LIMITS.totalMs / MS_PER_SECOND,
        stream_timeout: LIMITS.firstTokenMs / MS_PER_SECOND,
        allowed_fails: 3,
        cooldown_time: 15,
      },
      litellm_settings: { telemetry: false },
      general_settings: QUIET,
    }),
  reach: ({ name }) => ({ model: name, headers: litellm.headers({ port: 0, upstreamPort: 0, directory: '' }) }),
}

/**
 * Portkey at its best for this: `strategy: fallback` over both targets and its time limit, without retries, before each
 * of which it waits a second.
 */
export const portkeyFaults: Subject = {
  ...portkey,
  name: 'portkey-faults',
  describe: () => `${portkey.describe()}; strategy fallback without retry, request_timeout`,
  only: 'faults',
  command: place => {
    const command = portkey.command(place)
    // It calls nobody on loopback but whom it is told to trust.
    const trusted = [HEALTHY_HOST, REFUSING_HOST, DEAF_HOST].join(',')
    return { ...command, env: { ...command.env, TRUSTED_CUSTOM_HOSTS: trusted } }
  },
  reach: (one, upstreamPort) => ({
    model: MODEL.openai,
    headers: { 'x-portkey-config': JSON.stringify(portkeyConfig(one, upstreamPort)) },
  }),
}

function portkeyConfig({ fault, mode }: Case, upstreamPort: number): object {
  const target = { provider: 'openai', api_key: 'sk-mock' }
  return {
    strategy: { mode: 'fallback' },
    request_timeout: mode === 'stream' ? LIMITS.firstTokenMs : LIMITS.totalMs,
    targets: [faultyBase(fault, upstreamPort), healthyBase(upstreamPort)].map(base => ({
      ...target,
      custom_host: base,
    })),
  }
}
