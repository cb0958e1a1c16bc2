import { decodeUtf8 } from '../lib/bytes.ts'
import { parseJsonColumn } from '../lib/decode.ts'
import type { AssetStore } from '../storage/asset_store.ts'

/** The static file with the OpenAPI document. The build makes it from the document that the CLI bundles. */
export const OPENAPI_FILE = 'openapi.json'

/** The issuer in the addresses of the file, because each server has its own. */
export const EXAMPLE_ISSUER = 'https://auth.example.com'

/** The OpenAPI document of a server. @throws StorageUnavailable */
export async function readOpenApi(files: Pick<AssetStore, 'read'>, issuer: string): Promise<unknown> {
  const text = decodeUtf8(new Uint8Array(await files.read(OPENAPI_FILE))) ?? ''
  return parseJsonColumn(OPENAPI_FILE, text.replaceAll(EXAMPLE_ISSUER, issuer))
}
