import { writeFileSync } from 'node:fs'
import { LIST_FILE, packCommonPasswords } from './common_passwords.ts'

// `npm run common-passwords`: writes the list of common passwords for the Worker.

writeFileSync(LIST_FILE, packCommonPasswords())
