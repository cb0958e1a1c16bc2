import { readdirSync, readFileSync } from 'node:fs'

/** Linux reports processor time in hundredths of a second (proc(5)). */
const MS_PER_TICK = 10

/** A workerd that this process has started, by its process id. */
export interface WorkerdProcess {
  /** Total processor time of all its threads, in milliseconds. */
  cpuMs(): number
  /** Its memory in MiB, including the heap of the isolate. */
  residentMib(): number
}

/** Finds the workerd started since `before`, a list of earlier ids. Null on a system without /proc. */
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

/** The workerd processes that are children of this process. */
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

/** The fields of /proc/<pid>/stat after the name: the state, the parent, … */
function fieldsOf(id: number): string[] {
  const text = readFileSync(`/proc/${id}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(') ') + 2).split(' ')
}
