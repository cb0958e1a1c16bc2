import type { Child } from 'hono/jsx'
import type { Step } from '../signin/next_step.ts'
import type { Looks } from './looks.ts'
import type { ProblemWords } from './problem_words.ts'
import type { Situation } from './situation.ts'

/** The content of a page. */
export interface PageContent {
  situation: Situation
  looks: Looks
  /** Null if the last input was accepted. */
  problem: ProblemWords | null
  offersGuest: boolean
  /** The username that the user typed before; null without one. */
  username: string | null
  /** Makes the hidden fields of a form for another page. */
  ticketFor(step: Step): Promise<Child>
}

/** The page of a step. */
export interface StepPage {
  title: string
  /** The path to which the form is sent, below BROWSER_PATH. */
  path: string
  /** The content of the form, before the button Cancel. */
  form: Child
  /** The content after the form. */
  after?: Child
}
