/** The width of the light border in modules. ISO/IEC 18004 requires four. */
const QUIET_ZONE = 4

/**
 * Draws a QR code as SVG: one path in `currentColor`, with the error correction level M. A style sheet gives the colours and the
 * size. The library is evaluated at the first call.
 */
export async function qrSvg(text: string): Promise<string> {
  const { encode } = await import('uqr')
  const { data, size } = encode(text, { ecc: 'M', border: QUIET_ZONE })
  const path = data.flatMap((row, y) => runsOf(row).map(({ x, width }) => `M${x} ${y}h${width}v1h-${width}z`))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="currentColor" d="${path.join('')}"/></svg>`
}

/** The runs of dark modules in a row. */
function runsOf(row: readonly boolean[]): { x: number; width: number }[] {
  const runs: { x: number; width: number }[] = []
  row.forEach((isDark, x) => {
    const last = runs.at(-1)
    if (!isDark) return
    if (last && last.x + last.width === x) last.width++
    else runs.push({ x, width: 1 })
  })
  return runs
}
