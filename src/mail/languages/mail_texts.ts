import type { Language } from '../../lib/language.ts'
import { de } from './de.ts'
import { en, type MailTexts } from './en.ts'
import { es } from './es.ts'
import { fr } from './fr.ts'
import { it } from './it.ts'
import { nl } from './nl.ts'
import { pl } from './pl.ts'
import { uk } from './uk.ts'

/** The texts of mails by language. The build writes them to files, because the code of the Worker has only the English ones. */
export const MAIL_TEXTS: Readonly<Record<Language, MailTexts>> = { en, de, fr, es, nl, it, pl, uk }
