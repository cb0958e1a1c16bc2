/** The path of the admin API. */
export const ADMIN_PATH = '/admin/api'

/** The path of the OpenAPI document, below ADMIN_PATH. */
export const OPENAPI_PATH = '/openapi.json'
