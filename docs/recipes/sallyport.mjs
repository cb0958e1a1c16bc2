// The admin API with the token of a service account. It needs the scopes users:read and users:write.
const { SALLYPORT, ACCOUNT, ACCOUNT_SECRET, SHOP, SHOP_SECRET } = process.env
let token = null

function postForm(path, [id, secret], fields) {
  const Authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  const body = new URLSearchParams(fields)
  return fetch(SALLYPORT + path, { method: 'POST', headers: { Authorization }, body })
}

async function requestToken() {
  const fields = { grant_type: 'client_credentials' }
  const response = await postForm('/oauth2-token', [ACCOUNT, ACCOUNT_SECRET], fields)
  if (!response.ok) throw new Error(`Sallyport refused the service account: ${response.status}`)
  return (await response.json()).access_token
}

function send(method, path, body, etag) {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  if (etag) headers['If-Match'] = etag
  return fetch(`${SALLYPORT}/admin/api${path}`, { method, headers, body: body && JSON.stringify(body) })
}

/** Calls the admin API. Returns status, etag and body. A revoked or expired token is replaced once. */
export async function admin(method, path, body, etag) {
  token ??= await requestToken()
  let response = await send(method, path, body, etag)
  if (response.status === 401) {
    token = await requestToken()
    response = await send(method, path, body, etag)
  }
  const { status } = response
  if ([401, 403, 429].includes(status) || status >= 500) {
    throw new Error(`Sallyport refused the request: ${status}`)
  }
  return { status, etag: response.headers.get('ETag'), body: await response.json() }
}

/** The customer with this username; null if no customer has it. */
export async function findCustomer(username) {
  const query = new URLSearchParams({ pool: 'customers', username })
  const { body } = await admin('GET', `/users?${query}`)
  return body.items?.[0] ?? null
}

/** Whether a customer knows the password. The sign-in limits of Sallyport count wrong ones. */
export async function checkPassword(username, password) {
  const fields = { grant_type: 'password', username, password }
  return (await postForm('/oauth2-token', [SHOP, SHOP_SECRET], fields)).ok
}
