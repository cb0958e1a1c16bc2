import { DIRECTIONS, inLanguage, type Language, type LocalText } from '../lib/language.ts'

/** A text of config.yml. A screen reader must know a language that differs from that of the page (WCAG 2.2 §3.1.2). */
export function OwnText({ texts, language }: { texts: LocalText; language: Language }) {
  const found = inLanguage(texts, language)
  if (found.language === null || found.language === language) return <>{found.text}</>
  return (
    <span lang={found.language} dir={DIRECTIONS[found.language]}>
      {found.text}
    </span>
  )
}
