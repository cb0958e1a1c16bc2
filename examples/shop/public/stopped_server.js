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
