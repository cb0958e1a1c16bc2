import { execFileSync } from 'node:child_process'

/** The ids of the running child processes with that name. */
export function findChildren(name: string): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,comm='], { encoding: 'utf8' }).split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, state]) => Number(parent) === process.pid && !state?.startsWith('Z'))
    .filter(([, , , ...command]) => command.join(' ').split('/').at(-1) === name)
    .map(([pid]) => Number(pid))
}
