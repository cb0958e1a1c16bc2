import type { Texts } from './en.ts'

export const it: Texts = {
  direction: 'ltr',
  cancel: 'Annulla',
  useAnotherAccount: 'Usa un altro account',
  username: 'Nome utente',
  signIn: {
    title: 'Accedi',
    to: (client) => `per continuare su ${client}`,
    password: 'Password',
    guest: 'Continua come ospite',
  },
  account: {
    title: 'Scegli un account',
    signedInAs: (name) => `Hai effettuato l’accesso come ${name}`,
    choose: (client) => `Scegli l’account per ${client}.`,
    keep: (name) => `Continua come ${name}`,
  },
  password: {
    title: 'Scegli una nuova password',
    reason:
      'Il tuo account ha bisogno di una nuova password prima di continuare. Tutti gli altri dispositivi vengono disconnessi.',
    current: 'Password attuale',
    next: 'Nuova password',
    again: 'Ripeti la nuova password',
    submit: 'Salva la password',
  },
  consent: {
    title: 'Consenti l’accesso',
    question: (client) => `Consentire a ${client} di usare il tuo account?`,
    scopes: (client) => `${client} avrà accesso a:`,
    returnTo: (host) => `Poi tornerai a ${host}.`,
    allow: 'Consenti',
    privacy: (client) => `Informativa sulla privacy di ${client}`,
    terms: (client) => `Condizioni d’uso di ${client}`,
  },
  scopes: {
    openid: 'L’identificativo del tuo account',
    profile: 'Il tuo nome e la tua lingua',
    email: 'Il tuo indirizzo e-mail',
  },
  leave: {
    title: 'Continua',
    text: (host) => `Stai andando a ${host}. Se non succede nulla, premi il pulsante.`,
    submit: 'Continua',
  },
  signOut: { title: 'Uscire?', submit: 'Esci', stay: 'Resta connesso' },
  signedOut: {
    title: 'Sei uscito dall’account',
    text: 'Puoi chiudere questa pagina o tornare all’applicazione.',
  },
  links: { privacy: 'Privacy', terms: 'Condizioni d’uso', help: 'Aiuto' },
  problems: {
    wrongCredentials: 'Nome utente o password errati. Controlla entrambi e riprova.',
    tooManyAttempts: (when) => `Ci sono stati troppi tentativi. Riprova ${when}.`,
    busy: (when) => `Il servizio è occupato. Riprova ${when}.`,
    wrongCurrentPassword: 'La password attuale è errata. Scrivila di nuovo.',
    differentPasswords: 'Le due nuove password sono diverse. Scrivile di nuovo entrambe.',
    passwordLength: (shortest, longest) =>
      `La nuova password deve avere da ${shortest} a ${longest} caratteri. Scegli un’altra password.`,
    commonPassword:
      'Molte persone usano questa password, quindi è facile da indovinare. Scegli un’altra password.',
    breachedPassword: 'Questa password è in un elenco di password rubate. Scegli un’altra password.',
    otherAccount: 'L’applicazione chiede un altro account. Accedi con quell’account o annulla.',
    expiredForm: 'La pagina è rimasta aperta troppo a lungo. Non è successo nulla. Riprova.',
    noCookie:
      'Il tuo browser non ha inviato alcun cookie. Non è successo nulla. Consenti i cookie per questo sito e riprova.',
    otherBrowser:
      'Il modulo appartiene a un altro browser. Non è successo nulla. Controlla l’account e riprova.',
    otherSession:
      'Hai effettuato l’accesso o sei uscito in un’altra scheda. Non è successo nulla. Controlla l’account e continua.',
  },
  errors: {
    number: (status) => `Errore ${status}`,
    link: {
      title: 'Questo link di accesso non funziona',
      text: 'Il link è errato, incompleto o troppo vecchio. Torna all’applicazione e ricomincia.',
    },
    logout: {
      title: 'Questo link di disconnessione non funziona',
      text: 'Nulla è stato modificato. Torni all’applicazione e si disconnetta da lì.',
    },
    form: {
      title: 'Questo modulo non funziona più',
      text: 'Non è stato modificato nulla. Torna all’applicazione e ricomincia.',
    },
    forged: {
      title: 'Questo modulo non è stato inviato da questo sito',
      text: 'Non è stato modificato nulla. Torna all’applicazione e ricomincia.',
    },
    notFound: {
      title: 'Pagina non trovata',
      text: 'L’indirizzo è errato. Torna all’applicazione e ricomincia.',
    },
    unavailable: {
      title: 'Al momento non disponibile',
      text: 'Attendi un momento e ricarica questa pagina.',
    },
    unexpected: {
      title: 'Qualcosa è andato storto',
      text: 'Ricarica questa pagina. Se non funziona, torna all’applicazione e ricomincia.',
    },
  },
}
