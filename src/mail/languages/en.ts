import type { ActionKind, FactorChange, MailKind } from '../mail.ts'

/** The texts of one kind. @param name The name of the shop or the company. */
interface KindTexts {
  subject(name: string): string
  /** One sentence or several. */
  text(name: string): string
}

interface ActionTexts extends KindTexts {
  /** The label of the link. */
  action: string
}

/** The texts of mails in one language. */
export interface MailTexts {
  kinds: Readonly<Record<Exclude<MailKind, ActionKind>, KindTexts> & Record<ActionKind, ActionTexts>>
  changes: Readonly<Record<FactorChange, string>>
  /** @param duration Such as "30 minutes". */
  linkLifetime(duration: string): string
  codeLifetime(duration: string): string
  /** @param date With the time. */
  deletion(date: string): string
  /** After the text of a mail that any visitor can request. */
  notRequested: string
  /** After a code that followed the right password. */
  passwordKnown: string
  /** After the text of a notification. */
  notYou: string
  endSessions: string
  facts: { at: string; device: string; country: string }
  links: { privacy: string; terms: string; help: string }
}

/** The English texts. */
export const en: MailTexts = {
  kinds: {
    verify_sign_up: {
      subject: (name) => `Your code for a new account at ${name}`,
      text: (name) =>
        `Enter this code at ${name} to create your account. Never tell it to another person, not even to ${name}.`,
    },
    address_has_account: {
      subject: (name) => `You already have an account at ${name}`,
      text: (name) =>
        `An account at ${name} was requested with this email address. You already have an account, so nothing was changed. Sign in to use it.`,
      action: 'Sign in',
    },
    email_code: {
      subject: (name) => `Your code for ${name}`,
      text: (name) => `Enter this code at ${name}. Never tell it to another person, not even to ${name}.`,
    },
    reset_password: {
      subject: (name) => `Choose a new password for ${name}`,
      text: (name) => `A new password for your account at ${name} was requested.`,
      action: 'Choose a new password',
    },
    confirm_new_address: {
      subject: (name) => `Confirm your new email address for ${name}`,
      text: (name) => `Confirm this email address to use it for your account at ${name}.`,
      action: 'Confirm email address',
    },
    address_changes: {
      subject: (name) => `New email address for your account at ${name}`,
      text: (name) =>
        `A new email address for your account at ${name} was requested. As soon as it is confirmed, mails go to the new address only.`,
    },
    address_changed: {
      subject: (name) => `The email address of your account at ${name} was changed`,
      text: (name) =>
        `The email address of your account at ${name} was changed. Mails go to the new address only.`,
    },
    password_changed: {
      subject: (name) => `Your password at ${name} was changed`,
      text: (name) => `The password of your account at ${name} was changed.`,
    },
    factor_changed: {
      subject: (name) => `Your ways to sign in at ${name} were changed`,
      text: (name) => `This concerns your account at ${name}.`,
    },
    new_device: {
      subject: (name) => `New sign-in to your account at ${name}`,
      text: (name) => `Your account at ${name} was used on a new device or in a new place.`,
    },
    token_theft: {
      subject: (name) => `A session of your account at ${name} was ended`,
      text: (name) => `A session of your account at ${name} was used in two places, so it was ended.`,
    },
    invitation: {
      subject: (name) => `Your account at ${name}`,
      text: (name) => `An account at ${name} was created for you. Choose a password to use it.`,
      action: 'Choose a password',
    },
    deletion_scheduled: {
      subject: (name) => `Your account at ${name} will be deleted`,
      text: (name) =>
        `The deletion of your account at ${name} was requested. A sign-in before this time keeps it.`,
    },
    deletion_cancelled: {
      subject: (name) => `Your account at ${name} will not be deleted`,
      text: (name) => `The deletion of your account at ${name} was cancelled by a sign-in.`,
    },
    more_needed: {
      subject: (name) => `A sign-in to your account at ${name} was not finished`,
      text: (name) => `Your password at ${name} was entered, but the second step of the sign-in is missing.`,
    },
  },
  changes: {
    totp_added: 'An authenticator app was added.',
    totp_removed: 'The authenticator app was removed.',
    passkey_added: 'A passkey was added.',
    passkey_removed: 'A passkey was removed.',
    recovery_codes_renewed: 'There are new recovery codes. The old ones no longer work.',
    recovery_code_used: 'A recovery code was used to sign in.',
  },
  linkLifetime: (duration) => `The link works once, for ${duration}.`,
  codeLifetime: (duration) => `The code works once, for ${duration}.`,
  deletion: (date) => `Your account will be deleted on ${date}.`,
  notRequested: 'If you did not request this mail, you can ignore it. Nothing changes without you.',
  passwordKnown: 'If you did not just type your password, another person knows it. Choose a new password.',
  notYou: 'If this was not you, end all sessions and choose a new password.',
  endSessions: 'End all sessions',
  facts: { at: 'Time', device: 'Device', country: 'Country' },
  links: { privacy: 'Privacy', terms: 'Terms', help: 'Help' },
}
