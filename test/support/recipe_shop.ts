import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The commands that run a recipe, by language. */
export const RECIPE_LANGUAGES = {
  Node: ['node', 'test/recipes/drive.mjs'],
  PHP: ['php', 'test/recipes/drive.php'],
} as const
export type RecipeLanguage = keyof typeof RECIPE_LANGUAGES

interface Link {
  hash: string
  expiresAt: number
}

interface State {
  links: Record<string, Link>
  mails: { to: string; text: string }[]
}

/** A shop that runs the recipes of docs/recipes in one language. Its links and mails are in a file. */
export class RecipeShop {
  readonly #command: readonly [string, string]
  readonly #file: string
  readonly #env: NodeJS.ProcessEnv

  constructor(language: RecipeLanguage, file: string, env: Record<string, string>) {
    this.#command = RECIPE_LANGUAGES[language]
    this.#file = file
    this.#env = { ...process.env, ...env }
    this.#write({ links: {}, mails: [] })
  }

  /** Calls a function of a recipe. The shop is its last argument. */
  async call(name: string, ...values: string[]): Promise<Record<string, unknown> | boolean | null> {
    const [program, driver] = this.#command
    const { stdout } = await run(program, [driver, name, JSON.stringify(values), this.#file], {
      env: this.#env,
    })
    return JSON.parse(stdout)
  }

  /** Calls a function while the token endpoint works and the admin API responds with 503. */
  async callWith503(name: string, ...values: string[]): ReturnType<RecipeShop['call']> {
    const server = createServer(({ url }, response) => {
      response.statusCode = url === '/oauth2-token' ? 200 : 503
      response.end(JSON.stringify({ access_token: 'token' }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { SALLYPORT } = this.#env
    this.#env.SALLYPORT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      return await this.call(name, ...values)
    } finally {
      this.#env.SALLYPORT = SALLYPORT
      server.close()
    }
  }

  /** Takes the mails since the last call. */
  takeMails(): State['mails'] {
    const { links, mails } = this.#read()
    this.#write({ links, mails: [] })
    return mails
  }

  /** The token of the link in the only mail. */
  takeToken(): string {
    const [mail] = this.takeMails()
    return mail?.text.split('#')[1] ?? ''
  }

  /** The links that the shop has stored, as text. */
  stored(): string {
    return JSON.stringify(this.#read().links)
  }

  /** Lets every link expire. */
  expireLinks(): void {
    const { links, mails } = this.#read()
    const expired = Object.entries(links).map(([hash, link]) => [hash, { ...link, expiresAt: 1 }])
    this.#write({ links: Object.fromEntries(expired), mails })
  }

  #read(): State {
    return JSON.parse(readFileSync(this.#file, 'utf8'))
  }

  #write(state: State): void {
    writeFileSync(this.#file, JSON.stringify(state))
  }
}
