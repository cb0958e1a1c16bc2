import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A project in a temporary directory that installs packed packages without a registry. */
export class Consumer {
  readonly directory = mkdtempSync(join(tmpdir(), 'sallyport-consumer-'))

  constructor() {
    this.write('package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.directory, name), text)
  }

  /** @param folders The folders of the packages in this repository. */
  async install(...folders: string[]): Promise<void> {
    const packed = await Promise.all(folders.map((folder) => this.pack(folder)))
    const flags = ['--offline', '--no-audit', '--no-fund', '--ignore-scripts']
    await run('npm', ['install', ...flags, ...packed], { cwd: this.directory })
  }

  /** The names of the installed packages and scopes. */
  installed(): string[] {
    return readdirSync(join(this.directory, 'node_modules')).filter((name) => !name.startsWith('.'))
  }

  /** Runs a module with this Node, and returns its standard output. */
  async run(module: string): Promise<string> {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', module], {
      cwd: this.directory,
    })
    return stdout
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** Packs a package into the directory of the project. @returns The relative path of the tarball */
  async pack(folder: string): Promise<string> {
    const destination = ['--pack-destination', this.directory]
    const { stdout } = await run('npm', [
      'pack',
      resolve(folder),
      '--silent',
      '--ignore-scripts',
      ...destination,
    ])
    return `./${stdout.trim()}`
  }
}
