/** The longest URL that can be a client id. A code has the id and must fit in a URL. */
const MAX_CHARACTERS = 255

/** Whether a client id is the URL of a document. Such an id never equals that of a registered client, because it has a colon. */
export function isDocumentUrl(clientId: string): boolean {
  return /^https?:\/\//.test(clientId) && clientId.length <= MAX_CHARACTERS
}
