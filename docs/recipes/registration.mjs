import { makeLink, useLink } from './links.mjs'
import { admin, findCustomer } from './sallyport.mjs'

/** Call this after the response "We have sent you an e-mail", which is the same for every address. */
export async function startRegistration(email, shop) {
  if ((await findCustomer(email)) !== null) {
    return shop.sendMail(email, 'You already have an account. Sign in, or choose "Forgotten password".')
  }
  const token = await makeLink(shop, 'registration', { email }, 3600)
  return shop.sendMail(email, `Choose your password: https://shop.example.com/register#${token}`)
}

/** The customer sends the form behind the link. A refused password gets the token of a new link for the form. */
export async function finishRegistration(token, password, name, shop) {
  const result = await useLink(shop, 'registration', token, async ({ email }) => {
    const user = { pool: 'customers', username: email, password, profile: { name, email } }
    const { status, body } = await admin('POST', '/users', user)
    if (status === 201) return { status: 'registered', id: body.id }
    if (status !== 422) return { status: 'expired' }
    const again = await makeLink(shop, 'registration', { email }, 600)
    return { status: 'refused', problems: body.errors, token: again }
  })
  return result ?? { status: 'expired' }
}
