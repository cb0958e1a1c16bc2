import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, inject } from 'vitest'

// The files of this folder share the customer of the demo, so that one runs at a time. Files of other projects run meanwhile.
const LOCK = join(inject('demo').state, 'tests.lock')
const WAIT_AT_MOST_MS = 900_000

let isHeld = false

beforeAll(async () => {
  while (!take()) await sleep(100)
}, WAIT_AT_MOST_MS)

afterAll(() => {
  if (isHeld) rmdirSync(LOCK)
})

function take(): boolean {
  try {
    mkdirSync(LOCK)
    isHeld = true
  } catch {
    isHeld = false
  }
  return isHeld
}
