/** The element with that id. The page must have it. */
export function byId(id) {
  return document.getElementById(id)
}

/**
 * Makes an element. Children are elements or text, never markup.
 *
 * @param {Record<string, unknown>} properties Of the element; `class`, and names with a hyphen, are attributes.
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'class' || name.includes('-')) made.setAttribute(name, value)
    else made[name] = value
  }
  made.append(...children)
  return made
}

const SVG = 'http://www.w3.org/2000/svg'

/** A drawing of art.svg, hidden from screen readers. */
export function drawing(name) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('aria-hidden', 'true')
  const use = document.createElementNS(SVG, 'use')
  use.setAttribute('href', `art.svg#${name}`)
  svg.append(use)
  return svg
}

/** Shows a text, or hides the element if the text is empty. */
export function say(target, text) {
  target.textContent = text ?? ''
  target.hidden = !text
}
