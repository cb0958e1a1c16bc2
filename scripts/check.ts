import { requireConfig } from './config_file.ts'

const { issuer, apis } = requireConfig()
console.log(`config.yml is good: ${issuer}, ${[...apis.keys()].join(', ')}`)
