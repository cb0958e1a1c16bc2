import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

/** No transition of a page is longer. */
const TRANSITION_MS = 1000

/** The minified script. It has less than half of the size of `axe.source`, and Chromium parses it on each page. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/**
 * Runs axe without the rules whose violations are minor or moderate: the impact of a rule is the impact of its violations. Only rules
 * that are experimental or moderate need the preload of style sheets and media.
 */
const RUN = `(async () => {
  const minor = axe._audit.rules.filter(({ impact }) => impact === 'minor' || impact === 'moderate')
  const rules = Object.fromEntries(minor.map(({ id }) => [id, { enabled: false }]))
  return (await axe.run({ rules, preload: false, resultTypes: ['violations'] })).violations
})()`

/** The serious and critical violations of axe, as `rule: element`. A colour in a transition gets a second look after its end. */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  if ((await runAxe(page)).length === 0) return []
  await page.waitForTimeout(TRANSITION_MS)
  return runAxe(page)
}

async function runAxe(page: Page): Promise<string[]> {
  const violations = await page.evaluate<AxeResults['violations']>(RUN)
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`))
}
