import { mkdirSync } from 'node:fs'
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { findBarriers } from '../support/barriers.ts'

const SCREENSHOTS = 'dist/screenshots'

/** An operator's browser, with the console open. */
export class OperatorPage {
  readonly page: Page
  /** Errors of the browser, and failed responses. */
  readonly complaints: string[] = []
  readonly #context: BrowserContext
  readonly #origin: string

  private constructor(context: BrowserContext, page: Page, origin: string) {
    this.#context = context
    this.page = page
    this.#origin = origin
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(`console: ${message.text()}`)
    })
    page.on('pageerror', (error) => this.complaints.push(`error: ${error.message}`))
    page.on('response', (response) => {
      if (response.status() >= 400)
        this.complaints.push(`${response.status()}: ${new URL(response.url()).pathname}`)
    })
  }

  static async open(
    browser: Browser,
    origin: string,
    options: BrowserContextOptions = {},
  ): Promise<OperatorPage> {
    const context = await browser.newContext(options)
    return new OperatorPage(context, await context.newPage(), origin)
  }

  async goTo(path: string): Promise<void> {
    await this.page.goto(this.#origin + path)
  }

  async signIn(username: string, password: string): Promise<void> {
    await this.goTo('/console')
    await this.fillSignIn(username, password)
    await this.hasHeading('Dashboard')
  }

  /** Signs in on the page of the service. */
  async fillSignIn(username: string, password: string): Promise<void> {
    await this.page.getByLabel('Username').fill(username)
    await this.page.getByLabel('Password').fill(password)
    await this.press('Sign in')
  }

  press(name: string): Promise<void> {
    return this.page.getByRole('button', { name, exact: true }).click()
  }

  /** Opens the confirmation of an action, and sends it. */
  async confirm(label: string): Promise<void> {
    await this.page
      .locator('summary', { hasText: `${label}…` })
      .first()
      .click()
    await this.press(label)
  }

  hasHeading(name: string): Promise<void> {
    return this.page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  }

  says(text: string): Promise<void> {
    return this.page.getByRole('status').filter({ hasText: text }).waitFor()
  }

  /** Saves a screenshot in dist/screenshots. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true })
    await this.page.screenshot({ path: `${SCREENSHOTS}/console-${name}.png`, fullPage: true })
  }

  /** The serious and critical violations of axe, as `rule: element`. */
  findBarriers(): Promise<string[]> {
    return findBarriers(this.page)
  }

  /** The elements that reach beyond the page or their table, if the page or table needs horizontal scrolling. */
  async findCut(): Promise<string[]> {
    const script = `[document.documentElement, ...document.querySelectorAll('.panel:not(.scrolled)')]
      .filter((area) => area.scrollWidth > area.clientWidth)
      .flatMap((area) => [...area.querySelectorAll('*')]
        .filter((element) => element.getBoundingClientRect().right > area.getBoundingClientRect().right + 1)
        .map((element) => element.outerHTML.slice(0, 120)))`
    return this.page.evaluate<string[]>(script)
  }

  /** The cells of tables and the values of facts whose text is cut off. */
  async findHidden(): Promise<string[]> {
    const script = `[...document.querySelectorAll('th, td > div, dd, h1, .who')]
      .filter((element) => element.checkVisibility() && element.scrollWidth > element.clientWidth + 1 && !element.closest('thead'))
      .map((element) => element.textContent)`
    return this.page.evaluate<string[]>(script)
  }

  /** The words of at most 20 letters that continue on the next line, without those of ids. */
  async findBroken(): Promise<string[]> {
    const script = `(() => {
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      const broken = []
      for (let text = texts.nextNode(); text; text = texts.nextNode()) {
        if (!text.parentElement.checkVisibility() || text.parentElement.closest('code')) continue
        for (const { 0: word, index } of text.data.matchAll(/(?<![\\p{L}\\p{N}_-])\\p{L}{2,20}(?![\\p{L}\\p{N}_-])/gu)) {
          const range = new Range()
          range.setStart(text, index)
          range.setEnd(text, index + word.length)
          const tops = new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom / 4)))
          if (tops.size > 1) broken.push(word + ': ' + text.parentElement.outerHTML.slice(0, 90))
        }
      }
      return broken
    })()`
    return this.page.evaluate<string[]>(script)
  }

  /** The edges of an area that have a shadow. A shadow makes an edge darker than the middle, above the first row of text. */
  async findShadows(area: Locator): Promise<string[]> {
    const picture = `data:image/png;base64,${(await area.screenshot()).toString('base64')}`
    // The policy of the console forbids the picture.
    const blank = await this.#context.newPage()
    const script = `(async () => {
      const image = new Image()
      image.src = ${JSON.stringify(picture)}
      await image.decode()
      const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d')
      canvas.drawImage(image, 0, 0)
      const brightnessAt = (x) => canvas.getImageData(x, 4, 1, 1).data[0]
      const edges = { left: 3, right: image.width - 4 }
      const middle = brightnessAt(Math.round(image.width / 2))
      return Object.keys(edges).filter((edge) => brightnessAt(edges[edge]) < middle - 5)
    })()`
    const edges = await blank.evaluate<string[]>(script)
    await blank.close()
    return edges
  }

  async leave(): Promise<string[]> {
    await this.#context.close()
    return this.complaints
  }
}
