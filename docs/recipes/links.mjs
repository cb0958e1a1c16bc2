// One-time links. The shop's database has only the hash of each link, so that a copy of the database opens no account.
import { createHash, randomBytes } from 'node:crypto'

const hashOf = (token) => createHash('sha256').update(String(token)).digest('hex')

/** Makes the token of a link for one purpose. `data` is what the link may change. */
export async function makeLink(shop, purpose, data, seconds) {
  const token = randomBytes(32).toString('base64url')
  await shop.putLink({ hash: hashOf(token), purpose, data, expiresAt: Date.now() / 1000 + seconds })
  return token
}

/**
 * Uses a link up and returns the result of `work(data)`; null if the link is unknown, used or expired, or has another purpose. If
 * `work` throws, such as after a 503, the shop keeps the link, and the customer can send the form again.
 */
export async function useLink(shop, purpose, token, work) {
  const link = await shop.takeLink(hashOf(token))
  if (link === null || link.purpose !== purpose || link.expiresAt <= Date.now() / 1000) return null
  try {
    return await work(link.data)
  } catch (error) {
    await shop.putLink(link)
    throw error
  }
}
