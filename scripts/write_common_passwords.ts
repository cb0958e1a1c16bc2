import { writeFileSync } from 'node:fs'
import { formatListModule, LIST_FILE } from './common_passwords.ts'

// `npm run common-passwords`: writes the list of common passwords for the Worker.

writeFileSync(LIST_FILE, formatListModule())
