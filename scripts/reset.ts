import { rmSync } from 'node:fs'
import { LOCAL_STATE } from './local_stores.ts'

rmSync(LOCAL_STATE, { recursive: true, force: true })
console.log(`${LOCAL_STATE}/ is empty. The next npm start makes it anew.`)
