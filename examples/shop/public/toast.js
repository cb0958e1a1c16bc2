import { byId } from './element.js'

const SHOWN_MS = 4000
let timer

/** Says something in passing. */
export function tell(text) {
  show(text, 'status')
  timer = setTimeout(hide, SHOWN_MS)
}

/** Says what went wrong, and goes on saying it until something works. */
export function warn(text) {
  show(text, 'alert')
}

export function forgetWarning() {
  if (byId('toast').role === 'alert') hide()
}

/** In the top layer, above any dialog. */
function show(text, role) {
  clearTimeout(timer)
  hide()
  byId('toast').role = role
  byId('toast').textContent = text
  byId('toast').showPopover()
}

function hide() {
  byId('toast').hidePopover()
  byId('toast').textContent = ''
}
