/** A server of the demo that gives no response. */
export class ServerStopped extends Error {
  constructor(name, url) {
    super(`The ${name} at ${url} does not respond. Check that npm run demo still runs.`)
  }
}

/** Runs a request. A request without a response throws ServerStopped, with the name of the server. */
export async function request(name, url, send) {
  try {
    return await send()
  } catch (error) {
    // `fetch` throws a TypeError if no response arrives.
    throw error instanceof TypeError ? new ServerStopped(name, url) : error
  }
}

/** Whether a server responds. A failed request does not show whether it was lost on its way there or back. */
export function responds(url) {
  return fetch(url, { cache: 'no-store' }).then(
    () => true,
    () => false,
  )
}
