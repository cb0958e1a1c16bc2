import { makeLink, useLink } from './links.mjs'
import { admin, checkPassword, findCustomer } from './sallyport.mjs'

/** `id` is the subject of a verified access token. False: the password is wrong. True says nothing about the new address. */
export async function startChange(id, password, email, shop) {
  const { body: user } = await admin('GET', `/users/${id}`)
  if (!user.enabled || !(await checkPassword(user.username, password))) return false
  if ((await findCustomer(email)) !== null) {
    await shop.sendMail(email, 'This address already has an account, so it was not added to another account.')
    return true
  }
  const token = await makeLink(shop, 'change', { id, email, validFrom: user.tokens_valid_from }, 3600)
  await shop.sendMail(email, `Confirm this address: https://shop.example.com/confirm#${token}`)
  return true
}

/** The customer opens the link, which proves that the new address is theirs. */
export async function finishChange(token, shop) {
  const change = await useLink(shop, 'change', token, async ({ id, email, validFrom }) => {
    const { body: user, etag } = await admin('GET', `/users/${id}`)
    if (!user.enabled || user.tokens_valid_from !== validFrom) return null
    const edit = { username: email, profile: { ...user.profile, email } }
    const { status } = await admin('PATCH', `/users/${id}`, edit, etag)
    return status === 200 ? { from: user.profile.email ?? user.username, to: email } : null
  })
  if (change !== null) await shop.sendMail(change.from, `Your address is now ${change.to}.`)
  return change !== null
}
