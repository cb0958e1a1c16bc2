import { makeLink, useLink } from './links.mjs'
import { admin, findCustomer } from './sallyport.mjs'

/** Call this after the response "If you have an account, we have sent you an e-mail", which is the same for every address. */
export async function startReset(email, shop) {
  const user = await findCustomer(email)
  if (!user?.enabled || !user.profile.email) return
  const data = { id: user.id, validFrom: user.tokens_valid_from }
  const token = await makeLink(shop, 'reset', data, 900)
  await shop.sendMail(user.profile.email, `Choose a new password: https://shop.example.com/reset#${token}`)
}

/** The customer sends the form behind the link. A refused password gets the token of a new link for the form. */
export async function finishReset(token, password, shop) {
  let address
  const result = await useLink(shop, 'reset', token, async (link) => {
    const { body: user, etag } = await admin('GET', `/users/${link.id}`)
    // A newer password, a sign-out everywhere or a disable makes older links useless.
    if (!user.enabled || user.tokens_valid_from !== link.validFrom) return { status: 'expired' }
    address = user.profile.email
    const { status, body } = await admin('POST', `/users/${link.id}/password`, { password }, etag)
    if (status === 200) return { status: 'changed' }
    if (status !== 422) return { status: 'expired' }
    const again = await makeLink(shop, 'reset', link, 600)
    return { status: 'refused', problems: body.errors, token: again }
  })
  if (result?.status === 'changed')
    await shop.sendMail(address, 'Your password was changed, and every device was signed out.')
  return result ?? { status: 'expired' }
}
