import type { Child } from 'hono/jsx'
import type { Form } from '../pages/form.ts'
import type { Step } from '../signin/next_step.ts'
import type { BrowserServices } from './browser_services.ts'
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
  /** The refused form of this page, whose values the user typed; null without one. */
  typed: Form | null
  services: BrowserServices
  /** The id that binds the form to the browser. */
  formId: string
  /** Makes the hidden fields of a form for another page. */
  ticketFor(step: Step): Promise<Child>
}

/** The page of a step. */
export interface StepPage {
  title: string
  /** The content of the form, before the button Cancel. */
  form: Child
  /** Whether the page has no button Cancel, because the user has done all that it asks. */
  isFinal?: boolean
  /** The file name of the script of the page; absent for a page without a script. */
  script?: string | undefined
  /** The content after the form. */
  after?: Child
}
