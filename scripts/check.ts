import { requireConfig } from './config_file.ts'
import { requireWranglerToml } from './wrangler_toml.ts'

const config = requireConfig()
requireWranglerToml(config)
console.log(`config.yml is valid: ${config.issuer}, ${[...config.apis.keys()].join(', ')}`)
