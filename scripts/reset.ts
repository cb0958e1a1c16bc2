import { rmSync } from 'node:fs'
import { listServers } from './local_servers.ts'
import { LOCAL_STATE } from './local_stores.ts'
import { stop } from './stop.ts'

const servers = listServers()
if (servers.length > 0) {
  const names = servers.map(({ command, pid }) => `${command} (process ${pid})`).join(', ')
  stop(
    `Nothing was removed, because ${LOCAL_STATE}/ is in use: ${names}. Stop it, then run npm run reset again.`,
  )
}
rmSync(LOCAL_STATE, { recursive: true, force: true })
console.log(`${LOCAL_STATE}/ is empty. The next npm start creates the data again.`)
