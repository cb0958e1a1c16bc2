import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts processor time in hundredths of a second for every program (proc(5), CONFIG_HZ apart). */
const MS_PER_TICK = 10

/** A workerd of this process, by its id. */
export interface WorkerdProcess {
  /** Processor time of all its threads so far, in milliseconds. */
  cpuMs(): number
  /** Its memory, in MiB, of which the isolate's heap is a part. */
  residentMib(): number
}

/** What this process started since `before`, the ids of an earlier look. Null where there is no /proc to see it in. */
export function findWorkerd(before: ReadonlySet<number>): WorkerdProcess | null {
  const pid = listWorkerds().find((id) => !before.has(id))
  if (pid === undefined) return null
  return {
    cpuMs: () => {
      const [, , , , , , , , , , , user, system] = fieldsOf(pid)
      return (Number(user) + Number(system)) * MS_PER_TICK
    },
    residentMib: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
  }
}

/** The workerds that are children of this process. */
export function listWorkerds(): number[] {
  try {
    const ids = readdirSync('/proc').map(Number).filter(Number.isInteger)
    return ids.filter((id) => isOurs(id))
  } catch {
    return []
  }
}

function isOurs(id: number): boolean {
  try {
    const text = readFileSync(`/proc/${id}/stat`, 'utf8')
    return text.includes('(workerd)') && Number(fieldsOf(id)[1]) === process.pid
  } catch {
    return false
  }
}

/** Of /proc/<pid>/stat, what follows the name: the state, the parent, … */
function fieldsOf(id: number): string[] {
  const text = readFileSync(`/proc/${id}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(') ') + 2).split(' ')
}
