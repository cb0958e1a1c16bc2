import type { AccountTexts } from './en.ts'

/** The texts of the account pages in the language of `../it.ts`. */
export const it: AccountTexts = {
  title: 'Il tuo account',
  back: 'Torna al tuo account',
  notSignedIn: 'Non hai effettuato l’accesso. Non è stato modificato nulla.',
  chooseTitle: 'Quale account vuoi aprire?',
  sections: {
    profile: 'Profilo',
    address: 'Indirizzo e-mail',
    password: 'Password',
    passkeys: 'Passkey',
    secondFactor: 'Secondo fattore',
    sessions: 'Dispositivi e sessioni',
    applications: 'Applicazioni collegate',
    data: 'Scarica i tuoi dati',
    deletion: 'Elimina il tuo account',
  },
  notices: {
    profileSaved: 'Il tuo profilo è salvato.',
    addressRequested:
      'Un’e-mail con un link è in arrivo al nuovo indirizzo. Il tuo indirizzo cambia quando usi il link entro un’ora.',
    passwordChanged:
      'La tua password è stata cambiata. Le tue sessioni su tutti gli altri dispositivi sono chiuse.',
    passkeyAdded: 'La passkey è stata aggiunta.',
    passkeyRenamed: 'Il nome della passkey è stato salvato.',
    passkeyRemoved: 'La passkey è stata rimossa. Eliminala anche dal tuo dispositivo.',
    appRemoved: 'L’app di autenticazione è stata rimossa.',
    sessionEnded: 'La sessione è chiusa.',
    othersEnded: 'Le tue sessioni su tutti gli altri dispositivi sono chiuse.',
    accessWithdrawn: (client) => `${client} non ha più accesso al tuo account.`,
    deletionCancelled: 'Hai effettuato l’accesso, quindi il tuo account non sarà eliminato.',
  },
  profile: {
    name: 'Nome completo',
    givenName: 'Nome',
    familyName: 'Cognome',
    locale: 'Lingua delle e-mail',
    noLocale: 'Non scelta',
    submit: 'Salva',
  },
  address: {
    current: (email) => `Il tuo indirizzo e-mail è ${email}.`,
    text: 'Confermi il nuovo indirizzo con un link in un’e-mail inviata a quell’indirizzo. Fino ad allora non cambia nulla.',
    next: 'Nuovo indirizzo e-mail',
    submit: 'Invia il link',
  },
  password: {
    text: 'La nuova password ti disconnette da tutti gli altri dispositivi.',
  },
  passkeys: {
    text: 'Con una passkey accedi con l’impronta, il volto o il blocco del dispositivo.',
    none: 'Non hai nessuna passkey. Con una passkey accedi con l’impronta, il volto o il blocco del dispositivo.',
    required:
      'Il tuo account richiede questa passkey, quindi non puoi rimuoverla. Aggiungine prima un’altra.',
    added: (time) => `Aggiunta: ${time}`,
    used: (time) => `Ultimo utilizzo: ${time}`,
    unused: 'Non ancora usata',
    name: 'Nome della passkey',
    changeName: 'Cambia il nome',
    rename: 'Salva il nome',
    remove: 'Rimuovi',
  },
  secondFactor: {
    has: 'Quando accedi con la password, il tuo account chiede un codice della tua app di autenticazione.',
    none: 'Con un secondo fattore, una password rubata non basta per accedere.',
    required: 'Il tuo account richiede un secondo fattore, quindi non puoi rimuovere l’app.',
    newCodes: 'Sostituisci i codici di recupero',
    newCodesText: 'I nuovi codici di recupero sostituiscono quelli precedenti.',
    replace: 'Usa un’altra app',
    remove: 'Rimuovi l’app',
    removeText: 'I codici di recupero vengono rimossi insieme all’app.',
  },
  sessions: {
    text: 'Queste applicazioni hanno effettuato l’accesso al tuo account.',
    none: 'Nessuna applicazione ha effettuato l’accesso al tuo account.',
    unknownDevice: 'Dispositivo sconosciuto',
    thisBrowser: 'Questo browser',
    startedHere: 'Iniziata in questo browser',
    began: (time) => `Accesso: ${time}`,
    used: (time) => `Ultimo utilizzo: ${time}`,
    end: 'Chiudi la sessione',
    othersText:
      'Puoi chiudere tutte le sessioni tranne quella di questa pagina, anche quelle che non sono in elenco.',
    others: 'Esci ovunque tranne qui',
  },
  applications: {
    text: 'Hai permesso a queste applicazioni di usare il tuo account.',
    none: 'Non hai permesso a nessun’altra applicazione di usare il tuo account.',
    api: (name) => `Accesso a: ${name}`,
    since: (time) => `Autorizzata: ${time}`,
    noSession: 'Nessuna sessione attiva',
    withdraw: 'Revoca l’accesso',
  },
  data: {
    text: 'Il file contiene i dati salvati sul tuo account, sulle tue sessioni e sui tuoi accessi. È in formato JSON.',
    submit: 'Scarica',
  },
  deletion: {
    text: (days) =>
      `Tutte le tue sessioni vengono chiuse subito. Il tuo account e i suoi dati vengono cancellati dopo ${days}. Se accedi prima, l’account rimane.`,
    confirm: (name) => `Scrivi ${name} per confermare`,
    submit: 'Elimina il mio account',
    lastAdmin: 'Questo è l’unico account di amministrazione. Assegna prima questo ruolo a un altro account.',
    scheduledTitle: 'Il tuo account verrà eliminato',
    scheduledText: (days) =>
      `Tutte le tue sessioni sono chiuse. Il tuo account viene cancellato dopo ${days}. Per conservarlo, accedi prima.`,
  },
}
