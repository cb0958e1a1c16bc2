import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import { parseSealingKey } from '../../src/keys/sealing.ts'
import { CopyMac } from '../../src/storage/copy_mac.ts'
import { ReadCopyStore } from '../../src/storage/read_copy_store.ts'
import type { TestServer } from './server.ts'

/** A value of KV with its metadata, as an attacker with access to KV sees it. */
export interface KvValue {
  value: string
  metadata: unknown
}

export async function readKv(key: string): Promise<KvValue> {
  const { value, metadata } = await env.KV.getWithMetadata(key)
  expect(value).not.toBeNull()
  return { value: value ?? '', metadata }
}

export async function writeKv(key: string, { value, metadata }: KvValue): Promise<void> {
  await env.KV.put(key, value, { metadata })
}

/** Writes any value to KV with a valid MAC, as the server does. */
export async function saveCopy(key: string, value: unknown, server: TestServer): Promise<void> {
  const sealingKey = parseSealingKey(env.SEALING_KEY)
  if (sealingKey === null) throw new Error('SEALING_KEY is not set')
  await new ReadCopyStore(env.KV, new CopyMac([sealingKey])).save(key, value, server.context())
}
