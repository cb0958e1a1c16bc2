import type { TestProject } from 'vitest/node'
import { findChromium } from '../../scripts/chromium.ts'
import { type Demo, startDemo } from '../../scripts/running_demo.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    demo: Demo
  }
}

/** Starts the demo for all files of this folder. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (findChromium() === null) {
    console.warn(
      '\nChromium was not found, so the browser tests are skipped. On Debian: apt-get install chromium\n',
    )
  }
  const { demo, close } = await startDemo()
  project.provide('demo', demo)
  return close
}
