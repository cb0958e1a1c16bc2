import type { MailTexts } from './en.ts'

/**
 * The Polish texts. They address the user as "ty", without a word that depends on the gender of the user. The name is not declined: a
 * form of "serwis" stands before it.
 */
export const pl: MailTexts = {
  kinds: {
    verify_sign_up: {
      subject: (name) => `Twój kod do nowego konta w serwisie ${name}`,
      text: (name) =>
        `Wpisz ten kod w serwisie ${name}, aby założyć konto. Nie podawaj go żadnej innej osobie, nawet pracownikom serwisu ${name}.`,
    },
    address_has_account: {
      subject: (name) => `Masz już konto w serwisie ${name}`,
      text: (name) =>
        `Otrzymaliśmy prośbę o konto w serwisie ${name} z tym adresem e-mail. Masz już konto, więc nic się nie zmieniło. Zaloguj się, aby z niego korzystać.`,
      action: 'Zaloguj się',
    },
    email_code: {
      subject: (name) => `Twój kod do serwisu ${name}`,
      text: (name) =>
        `Wpisz ten kod w serwisie ${name}. Nie podawaj go żadnej innej osobie, nawet pracownikom serwisu ${name}.`,
    },
    reset_password: {
      subject: (name) => `Wybierz nowe hasło do serwisu ${name}`,
      text: (name) => `Otrzymaliśmy prośbę o nowe hasło do Twojego konta w serwisie ${name}.`,
      action: 'Wybierz nowe hasło',
    },
    confirm_new_address: {
      subject: (name) => `Potwierdź swój nowy adres e-mail w serwisie ${name}`,
      text: (name) => `Potwierdź ten adres e-mail, aby używać go z kontem w serwisie ${name}.`,
      action: 'Potwierdź adres e-mail',
    },
    address_changes: {
      subject: (name) => `Nowy adres e-mail Twojego konta w serwisie ${name}`,
      text: (name) =>
        `Otrzymaliśmy prośbę o nowy adres e-mail dla Twojego konta w serwisie ${name}. Po potwierdzeniu wiadomości będą trafiać tylko na nowy adres.`,
    },
    address_changed: {
      subject: (name) => `Zmieniono adres e-mail Twojego konta w serwisie ${name}`,
      text: (name) =>
        `Zmieniono adres e-mail Twojego konta w serwisie ${name}. Wiadomości będą trafiać tylko na nowy adres.`,
    },
    password_changed: {
      subject: (name) => `Hasło do Twojego konta w serwisie ${name} zostało zmienione`,
      text: (name) => `Hasło do Twojego konta w serwisie ${name} zostało zmienione.`,
    },
    factor_changed: {
      subject: (name) => `Sposoby logowania do serwisu ${name} zostały zmienione`,
      text: (name) => `Dotyczy to Twojego konta w serwisie ${name}.`,
    },
    new_device: {
      subject: (name) => `Nowe logowanie do Twojego konta w serwisie ${name}`,
      text: (name) => `Twoje konto w serwisie ${name} zostało użyte na nowym urządzeniu lub w nowym miejscu.`,
    },
    token_theft: {
      subject: (name) => `Sesja Twojego konta w serwisie ${name} została zakończona`,
      text: (name) =>
        `Sesja Twojego konta w serwisie ${name} była używana w dwóch miejscach, dlatego została zakończona.`,
    },
    invitation: {
      subject: (name) => `Twoje konto w serwisie ${name}`,
      text: (name) => `W serwisie ${name} założono dla Ciebie konto. Wybierz hasło, aby z niego korzystać.`,
      action: 'Wybierz hasło',
    },
    deletion_scheduled: {
      subject: (name) => `Twoje konto w serwisie ${name} zostanie usunięte`,
      text: (name) =>
        `Otrzymaliśmy prośbę o usunięcie Twojego konta w serwisie ${name}. Jeśli zalogujesz się przed tą datą, konto pozostanie.`,
    },
    deletion_cancelled: {
      subject: (name) => `Twoje konto w serwisie ${name} nie zostanie usunięte`,
      text: (name) => `Logowanie anulowało usunięcie Twojego konta w serwisie ${name}.`,
    },
    more_needed: {
      subject: (name) => `Logowanie do Twojego konta w serwisie ${name} nie zostało dokończone`,
      text: (name) => `Wpisano Twoje hasło w serwisie ${name}, ale brakuje drugiego kroku logowania.`,
    },
  },
  changes: {
    totp_added: 'Dodano aplikację uwierzytelniającą.',
    totp_removed: 'Usunięto aplikację uwierzytelniającą.',
    passkey_added: 'Dodano klucz dostępu.',
    passkey_removed: 'Usunięto klucz dostępu.',
    recovery_codes_renewed: 'Utworzono nowe kody odzyskiwania. Stare już nie działają.',
    recovery_code_used: 'Do logowania użyto kodu odzyskiwania.',
  },
  linkLifetime: (duration) => `Link działa jeden raz. Ważność: ${duration}.`,
  codeLifetime: (duration) => `Kod działa jeden raz. Ważność: ${duration}.`,
  deletion: (date) => `Data usunięcia: ${date}.`,
  notRequested: 'Jeśli to nie Twoja prośba, zignoruj tę wiadomość. Bez Ciebie nic się nie zmieni.',
  passwordKnown:
    'Jeśli Twoje hasło nie zostało właśnie wpisane przez Ciebie, zna je inna osoba. Wybierz nowe hasło.',
  notYou: 'Jeśli to nie Ty, zakończ wszystkie sesje i wybierz nowe hasło.',
  endSessions: 'Zakończ wszystkie sesje',
  facts: { at: 'Czas', device: 'Urządzenie', country: 'Kraj' },
  links: { privacy: 'Prywatność', terms: 'Warunki', help: 'Pomoc' },
}
