import { requireBurstLimits } from './burst_limits.ts'
import { requireConfig } from './config_file.ts'

const config = requireConfig()
requireBurstLimits(config)
console.log(`config.yml is valid: ${config.issuer}, ${[...config.apis.keys()].join(', ')}`)
