import { readFileSync, writeFileSync } from 'node:fs'
import { replaceTables } from './config_tables.ts'

// `npm run document-config`: writes the keys of src/config into docs/configuration.md.

const PAGE = 'docs/configuration.md'

writeFileSync(PAGE, replaceTables(readFileSync(PAGE, 'utf8')))
