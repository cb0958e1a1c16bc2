import { byId, element } from './element.js'

const KEY = 'slow-pour:events'
const MAX_EVENTS = 40
const time = new Intl.DateTimeFormat('en', { timeStyle: 'medium' })

/** The events of this tab, newest first. They stay after a reload, until the tab is closed. */
export class EventList {
  #events = readEvents()

  constructor() {
    this.#show()
  }

  /** @param event `at` in milliseconds, `kind` and `sentence` */
  add(event) {
    this.#events = [event, ...this.#events].slice(0, MAX_EVENTS)
    sessionStorage.setItem(KEY, JSON.stringify(this.#events))
    this.#show()
  }

  #show() {
    byId('log').replaceChildren(
      ...this.#events.map(({ at, kind, sentence }) =>
        element('li', { 'data-event': kind }, element('time', {}, time.format(at)), ` ${sentence}`),
      ),
    )
  }
}

function readEvents() {
  return JSON.parse(sessionStorage.getItem(KEY) ?? '[]')
}
