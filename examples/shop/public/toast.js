import { byId } from './element.js'

const SHOWN_MS = 4000
let timer

/** Shows a message for some seconds. */
export function showMessage(text) {
  show(text, 'status')
  timer = setTimeout(hide, SHOWN_MS)
}

/** Shows a warning until it is cleared. */
export function showWarning(text) {
  show(text, 'alert')
}

export function clearWarning() {
  if (byId('toast').role === 'alert') hide()
}

/** Uses the top layer, so that the text is above any dialog. */
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
