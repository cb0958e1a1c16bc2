import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { verifyDpopProof } from '../../packages/verify/src/dpop_proof.ts'
import { parseAssertion } from '../../src/clients/assertions/verify_assertion.ts'
import { readCodeBlocks } from '../support/code_blocks.ts'

/** Imports the code of a page, as an application does. */
async function importCode(page: string) {
  const block = readCodeBlocks(page).find(({ test }) => test?.file === 'test/scripts/client_code.test.ts')
  // The file is in the repository, so that it finds jose.
  const folder = mkdtempSync(resolve('dist', 'code-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'code.mjs')
  writeFileSync(file, block?.text ?? '')
  return import(pathToFileURL(file).href)
}

const now = () => Math.floor(Date.now() / 1000)

describe('the code for clients in the documentation', () => {
  it('the code of docs/client-authentication.md signs an assertion that the server accepts', async () => {
    const { signAssertion } = await importCode('docs/client-authentication.md')
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const [issuer, clientId, kid] = ['https://id.shop.example', 'partner', 'key-1']
    const assertion: string = await signAssertion({ issuer, clientId, privateKey, kid })
    const parsed = parseAssertion(assertion, { clientId, audience: issuer, now: now() })
    expect(parsed).toMatchObject({ alg: 'ES256', kid, jti: expect.stringMatching(/^[\w-]{36}$/) })
    expect((await jwtVerify(assertion, publicKey)).payload.sub).toBe(clientId)
  })

  it('the code of docs/dpop.md signs proofs that the server and an API accept', async () => {
    const { signProof } = await importCode('docs/dpop.md')
    const keys = await generateKeyPair('ES256')
    const thumbprint = await calculateJwkThumbprint(await exportJWK(keys.publicKey))
    const target = { method: 'POST', url: 'https://id.shop.example/oauth2-token', now: now() }
    const proof: string = await signProof({ keys, ...target })
    expect(await verifyDpopProof(proof, { ...target, accessToken: null })).toMatchObject({
      thumbprint,
      nonce: null,
    })
    const request = { method: 'GET', url: 'https://shop.example/cart?page=2', now: now() }
    const withToken: string = await signProof({ keys, ...request, token: 'a token', nonce: 'n' })
    expect(await verifyDpopProof(withToken, { ...request, accessToken: 'a token' })).toMatchObject({
      thumbprint,
      nonce: 'n',
    })
    await expect(verifyDpopProof(withToken, { ...request, accessToken: 'another token' })).rejects.toThrow(
      'the proof is for another access token',
    )
  })
})
