/** The page with the mails of a local server. */
export const INBOX_PATH = '/inbox'
