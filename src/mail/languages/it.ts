import type { MailTexts } from './en.ts'

/** The Italian texts. They address the user as "tu", without a word that depends on the gender of the user. */
export const it: MailTexts = {
  kinds: {
    verify_sign_up: {
      subject: (name) => `Il tuo codice per un nuovo account su ${name}`,
      text: (name) =>
        `Inserisci questo codice su ${name} per creare il tuo account. Non comunicarlo a nessun’altra persona, nemmeno a ${name}.`,
    },
    address_has_account: {
      subject: (name) => `Hai già un account su ${name}`,
      text: (name) =>
        `È stato richiesto un account su ${name} con questo indirizzo e-mail. Hai già un account, quindi non è cambiato nulla. Accedi per usarlo.`,
      action: 'Accedi',
    },
    email_code: {
      subject: (name) => `Il tuo codice per ${name}`,
      text: (name) =>
        `Inserisci questo codice su ${name}. Non comunicarlo a nessun’altra persona, nemmeno a ${name}.`,
    },
    reset_password: {
      subject: (name) => `Scegli una nuova password per ${name}`,
      text: (name) => `È stata richiesta una nuova password per il tuo account su ${name}.`,
      action: 'Scegli una nuova password',
    },
    confirm_new_address: {
      subject: (name) => `Conferma il tuo nuovo indirizzo e-mail per ${name}`,
      text: (name) => `Conferma questo indirizzo e-mail per usarlo con il tuo account su ${name}.`,
      action: 'Conferma l’indirizzo e-mail',
    },
    address_changes: {
      subject: (name) => `Nuovo indirizzo e-mail per il tuo account su ${name}`,
      text: (name) =>
        `È stato richiesto un nuovo indirizzo e-mail per il tuo account su ${name}. Dopo la conferma le e-mail arriveranno solo al nuovo indirizzo.`,
    },
    address_changed: {
      subject: (name) => `L’indirizzo e-mail del tuo account su ${name} è stato modificato`,
      text: (name) =>
        `L’indirizzo e-mail del tuo account su ${name} è stato modificato. Le e-mail arriveranno solo al nuovo indirizzo.`,
    },
    password_changed: {
      subject: (name) => `La tua password su ${name} è stata cambiata`,
      text: (name) => `La password del tuo account su ${name} è stata cambiata.`,
    },
    factor_changed: {
      subject: (name) => `I tuoi metodi di accesso a ${name} sono cambiati`,
      text: (name) => `Questo riguarda il tuo account su ${name}.`,
    },
    new_device: {
      subject: (name) => `Nuovo accesso al tuo account su ${name}`,
      text: (name) => `Il tuo account su ${name} è stato usato su un nuovo dispositivo o in un nuovo luogo.`,
    },
    token_theft: {
      subject: (name) => `Una sessione del tuo account su ${name} è stata chiusa`,
      text: (name) =>
        `Una sessione del tuo account su ${name} è stata usata in due luoghi, perciò è stata chiusa.`,
    },
    invitation: {
      subject: (name) => `Il tuo account su ${name}`,
      text: (name) => `È stato creato un account per te su ${name}. Scegli una password per usarlo.`,
      action: 'Scegli una password',
    },
    deletion_scheduled: {
      subject: (name) => `Il tuo account su ${name} sarà eliminato`,
      text: (name) =>
        `È stata richiesta l’eliminazione del tuo account su ${name}. Se accedi prima di questa data, l’account rimane.`,
    },
    deletion_cancelled: {
      subject: (name) => `Il tuo account su ${name} non sarà eliminato`,
      text: (name) => `Un accesso ha annullato l’eliminazione del tuo account su ${name}.`,
    },
    more_needed: {
      subject: (name) => `Un accesso al tuo account su ${name} è incompleto`,
      text: (name) =>
        `La tua password su ${name} è stata inserita, ma manca il secondo passaggio dell’accesso.`,
    },
  },
  changes: {
    totp_added: 'È stata aggiunta un’app di autenticazione.',
    totp_removed: 'L’app di autenticazione è stata rimossa.',
    passkey_added: 'È stata aggiunta una passkey.',
    passkey_removed: 'Una passkey è stata rimossa.',
    recovery_codes_renewed: 'Ci sono nuovi codici di recupero. I precedenti non funzionano più.',
    recovery_code_used: 'Un codice di recupero è stato usato per l’accesso.',
  },
  linkLifetime: (duration) => `Il link funziona una sola volta, per ${duration}.`,
  codeLifetime: (duration) => `Il codice funziona una sola volta, per ${duration}.`,
  deletion: (date) => `Data dell’eliminazione: ${date}.`,
  notRequested: 'Se non hai richiesto questa e-mail, puoi ignorarla. Senza di te non cambia nulla.',
  passwordKnown:
    'Se non hai appena inserito la tua password, un’altra persona la conosce. Scegli una nuova password.',
  notYou: 'Se non hai fatto tu questa operazione, chiudi tutte le sessioni e scegli una nuova password.',
  endSessions: 'Chiudi tutte le sessioni',
  facts: { at: 'Data', device: 'Dispositivo', country: 'Paese' },
  links: { privacy: 'Privacy', terms: 'Condizioni d’uso', help: 'Aiuto' },
}
