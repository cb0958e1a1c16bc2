import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { spawnWrangler } from '../scripts/wrangler.ts'

/** A profile of the processor (Chrome DevTools Protocol). Times in microseconds. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string } }[]
  samples: number[]
  timeDeltas: number[]
}

/** Processor time that the Worker takes to start in workerd, in milliseconds: compiling and running its modules. */
export async function measureStartup(directory: string): Promise<number> {
  const path = join(directory, 'startup.cpuprofile')
  const parameters = ['check', 'startup', '--args=--minify', '--outfile', path]
  const child = spawnWrangler(parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error('wrangler check startup failed')
  return busyMs(JSON.parse(readFileSync(path, 'utf8')))
}

function busyMs({ nodes, samples, timeDeltas }: Profile): number {
  const idle = new Set(nodes.filter((node) => node.callFrame.functionName === '(idle)').map(({ id }) => id))
  const busy = samples.map((id, i) => (idle.has(id) ? 0 : (timeDeltas[i] ?? 0)))
  return busy.reduce((sum, us) => sum + us, 0) / 1000
}
