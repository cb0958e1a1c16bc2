import { describePresets } from './agent_requirements.ts'
import { requireConfig } from './config_file.ts'
import { requireWranglerToml } from './wrangler_toml.ts'

const config = requireConfig()
requireWranglerToml(config)
console.log(`config.yml is valid: ${config.issuer}, ${[...config.apis.keys()].join(', ')}`)
const { lines, isComplete } = describePresets(config)
for (const line of lines) console.log(line)
if (!isComplete) process.exitCode = 1
