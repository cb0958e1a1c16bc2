import { ACCOUNT_PAGES_PATH } from '../config/account_path.ts'
import type { Config } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { compact } from '../lib/compact.ts'
import { VERSION } from '../lib/version.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'
import { jwksEndpoint } from './jwks.ts'
import { metadataEndpoints } from './metadata.ts'

export const HOME_PATH = '/'

/** A cache keeps the JSON and the page apart (RFC 9110 §12.5.5). */
export const HOME_VARY = 'Accept, Origin'

const [METADATA_PATH = ''] = metadataEndpoints.map(({ path }) => path)

/** Where the documentation is. The server does not publish it. */
const DOCUMENTATION = 'docs/README.md in the source code of the server'

/** The paths of the parts for operators. */
export interface OperatorPaths {
  console: string
  adminApi: string
}

export type Home = ReturnType<typeof describeHome>

/** The name, the version and the public URLs of the server. There is no console without an admin API, and no account page without
 * `self_service`. */
export function describeHome(
  config: Pick<Config, 'issuer' | 'adminApi' | 'apis' | 'accounts'>,
  paths: OperatorPaths,
) {
  const { issuer, adminApi } = config
  const hasAccountPage = [...config.apis.values()].some(
    ({ userPool }) => accountsOf(userPool, config).selfService,
  )
  return compact({
    name: 'Sallyport',
    version: VERSION,
    issuer,
    metadata: issuer + METADATA_PATH,
    jwks_uri: issuer + jwksEndpoint.path,
    console: adminApi === null ? undefined : issuer + paths.console,
    admin_api: adminApi === null ? undefined : issuer + paths.adminApi,
    account: hasAccountPage ? issuer + ACCOUNT_PAGES_PATH : undefined,
    documentation: DOCUMENTATION,
  })
}

/** The URL without a path: JSON for programs. Browsers get the page of `createHomePage`. */
export function homeEndpoint(paths: OperatorPaths): Endpoint {
  return {
    path: HOME_PATH,
    format: JSON_FORMAT,
    methods: {
      GET({ config }, responses) {
        const home = describeHome(config, paths)
        return () => {
          const response = responses.private(home)
          response.headers.set('Vary', HOME_VARY)
          return response
        }
      },
    },
  }
}
