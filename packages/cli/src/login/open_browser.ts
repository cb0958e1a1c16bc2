import { spawn } from 'node:child_process'

/** The program that opens a URL, and its first arguments. */
type Opener = readonly [program: string, ...args: string[]]

/**
 * Opens a URL in the browser: `BROWSER`, or the program of the operating system. It does not wait for the program, and it ignores
 * a failure, because the user can open the printed URL.
 */
export function openBrowser(url: string, env: NodeJS.ProcessEnv = process.env): void {
  const [program, ...args] = findOpener(env)
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}

function findOpener({ BROWSER }: NodeJS.ProcessEnv): Opener {
  if (BROWSER) return [BROWSER]
  if (process.platform === 'darwin') return ['open']
  // `start` of cmd.exe would interpret the characters & and ^ of the URL.
  if (process.platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  return ['xdg-open']
}
