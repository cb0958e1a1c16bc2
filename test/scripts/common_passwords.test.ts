import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { commonPasswords, LIST_FILE, packCommonPasswords } from '../../scripts/common_passwords.ts'
import { readStaticFile } from '../../scripts/static_files.ts'
import { COMMON_PASSWORDS, CommonPasswords } from '../../src/users/common_passwords.ts'

const list = new CommonPasswords(readStaticFile)

/** The passwords that the list has. */
async function inList(passwords: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const password of passwords) if (await list.has(password)) found.push(password)
  return found
}

describe('the list of common passwords', () => {
  it('equals the list that `npm run common-passwords` writes', () => {
    expect(readFileSync(LIST_FILE).equals(packCommonPasswords())).toBe(true)
  })

  it('has each of the 10,000 most common passwords of at least 8 characters, in any case and width', async () => {
    const passwords = commonPasswords()
    expect([passwords.length, new Set(passwords).size]).toEqual([COMMON_PASSWORDS, COMMON_PASSWORDS])
    expect(await inList(passwords)).toEqual(passwords)
    const forms = ['Password1', 'PASSWORD123', 'ｐａｓｓｗｏｒｄ１', 'iLoveYou1']
    expect(await inList(forms)).toEqual(forms)
  })

  it('has fewer than 40 of 100,000 random passwords', async () => {
    const random = Array.from({ length: 100_000 }, () => randomUUID())
    expect((await inList(random)).length).toBeLessThan(40)
  })
})
