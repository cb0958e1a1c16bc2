const OUTLINE = 'M4 21V10a8 8 0 0 1 16 0v11h-5v-9a3 3 0 0 0-6 0v9z'

/** The icon of the browser tab, as an SVG file. */
export const ICON_FILE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="${OUTLINE}" fill="#3b6ea8"/></svg>`

/** The logo and the name. */
export function Brand() {
  return (
    <span class="brand">
      <svg aria-hidden="true" viewBox="0 0 24 24">
        <path d={OUTLINE} fill="currentColor" />
      </svg>
      Sallyport
    </span>
  )
}
