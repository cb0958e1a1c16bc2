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

const STARTS = 5

/**
 * Processor time that a Worker takes to start in workerd, in milliseconds: compiling and running its modules. The median of 5 starts.
 *
 * @param config The configuration of the Worker.
 */
export async function measureStartup(directory: string, config = 'wrangler.toml'): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < STARTS; i++) times.push(await measureOnce(directory, config))
  return median(times)
}

async function measureOnce(directory: string, config: string): Promise<number> {
  const path = join(directory, 'startup.cpuprofile')
  const parameters = ['check', 'startup', `--args=--minify --config ${config}`, '--outfile', path]
  const child = spawnWrangler(parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error('wrangler check startup failed')
  return busyMs(JSON.parse(readFileSync(path, 'utf8')))
}

/**
 * The processor time of a profile: the number of busy samples, each with the median interval. A longer interval is the time in which
 * the machine ran another program.
 */
function busyMs({ nodes, samples, timeDeltas }: Profile): number {
  const idle = new Set(nodes.filter((node) => node.callFrame.functionName === '(idle)').map(({ id }) => id))
  const busy = samples.filter((id) => !idle.has(id))
  return (busy.length * median(timeDeltas)) / 1000
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
