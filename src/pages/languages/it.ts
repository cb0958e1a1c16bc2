import { it as accountPage } from './account/it.ts'
import type { Texts } from './en.ts'

/** The Italian texts. They address the user as "tu", without a word that depends on the gender of the user. */
export const it: Texts = {
  cancel: 'Annulla',
  useAnotherAccount: 'Usa un altro account',
  username: 'Nome utente',
  signIn: {
    title: 'Accedi',
    to: (client) => `per continuare su ${client}`,
    password: 'Password',
    passkey: 'Accedi con una passkey',
    emailCode: 'Inviami un codice per e-mail',
    signUp: 'Crea un account',
    guest: 'Continua come ospite',
  },
  account: {
    title: 'Scegli un account',
    signedInAs: (name) => `Hai effettuato l’accesso come ${name}`,
    choose: (client) => `Scegli l’account per ${client}.`,
    keep: (name) => `Continua come ${name}`,
  },
  accountPage,
  emailCode: {
    title: 'Controlla la tua e-mail',
    text: (name) =>
      `Se ${name} ha un account con un indirizzo confermato, un’e-mail con un codice è in arrivo. Il codice vale 10 minuti in questo browser.`,
    code: 'Codice di 6 cifre',
    submit: 'Accedi',
    again: 'Invia un nuovo codice',
    other: 'Usa una password o un altro indirizzo',
  },
  signUp: {
    title: 'Crea un account',
    address: 'Indirizzo e-mail',
    hint: 'Riceverai un codice per e-mail.',
    submit: 'Continua',
    signIn: 'Ho già un account',
    mail: (address) =>
      `Un’e-mail è in arrivo a ${address}. Inserisci qui il codice che contiene. Vale 10 minuti in questo browser. Se l’indirizzo ha già un account, l’e-mail lo indica.`,
    otherAddress: 'Usa un altro indirizzo',
  },
  createAccount: {
    title: 'Scegli una password',
    name: 'Nome (facoltativo)',
    again: 'Ripeti la password',
    submit: 'Crea account',
  },
  forgotten: {
    link: 'Hai dimenticato la password?',
    title: 'Password dimenticata',
    text: 'Inserisci il tuo nome utente o il tuo indirizzo e-mail. Riceverai per e-mail un link per scegliere una nuova password.',
    submit: 'Invia il link',
    sent: 'Se a questo nome corrisponde un account con un indirizzo confermato, un’e-mail con un link è in arrivo. Il link vale 30 minuti. Chiudi questa pagina oppure torna all’accesso dopo aver scelto una nuova password.',
    back: 'Torna all’accesso',
  },
  newPassword: {
    text: 'La nuova password disconnette l’account da tutti i dispositivi.',
    doneTitle: 'La tua password è salvata',
    done: 'Ora puoi accedere con la password.',
  },
  confirmAddress: {
    title: 'Conferma l’indirizzo e-mail',
    text: (address, username) => `Usare ${address} per l’account ${username}?`,
    ignore: 'Se non conosci questo account, chiudi questa pagina. Senza di te non cambia nulla.',
    doneTitle: 'Il tuo indirizzo e-mail è confermato',
    done: 'D’ora in poi le e-mail arrivano al nuovo indirizzo.',
  },
  voidLink: {
    title: 'Questo link non è più valido',
    text: 'È stato usato, è scaduto o l’account è cambiato dopo l’invio dell’e-mail.',
    again: 'Richiedi un nuovo link',
  },
  endSessions: {
    title: 'Chiudere tutte le sessioni?',
    text: 'Ogni browser e applicazione che usa il tuo account dovrà accedere di nuovo.',
    submit: 'Chiudi tutte le sessioni',
    doneTitle: 'Tutte le sessioni sono chiuse',
    done: 'Ogni browser e applicazione deve accedere di nuovo. Scegli ora una nuova password, perché un’altra persona potrebbe conoscere quella attuale.',
    choose: 'Scegli una nuova password',
  },
  passkey: {
    notUsed: 'Non è stata usata nessuna passkey. Riprova o scegli un altro modo per accedere.',
    unsupported:
      'Le passkey non funzionano in questo browser. Usa un browser aggiornato e consenti gli script.',
  },
  secondFactor: {
    title: 'Conferma la tua identità',
    text: (name) => `Inserisci il codice che la tua app di autenticazione mostra per ${name}.`,
    byPasskey: (name) => `Usa la passkey di ${name}.`,
    passkey: 'Usa una passkey',
    code: 'Codice di 6 cifre',
    submit: 'Continua',
    lost: 'Usa un codice di recupero',
    recoveryCode: 'Codice di recupero',
    recoveryHint: 'Ogni codice di recupero funziona una sola volta.',
    submitRecovery: 'Continua con il codice di recupero',
  },
  emailSecondFactor: {
    ask: (name) => `Possiamo inviare un codice all’indirizzo confermato di ${name}.`,
    sent: (name) =>
      `Un’e-mail con un codice è in arrivo all’indirizzo confermato di ${name}. Il codice vale 10 minuti in questo browser.`,
  },
  setUp: {
    title: 'Configura un secondo fattore',
    reason: 'Il tuo account richiede un codice di un’app di autenticazione oltre alla password.',
    scan: 'Scansiona questo codice QR con la tua app di autenticazione.',
    qr: 'Codice QR per l’app di autenticazione',
    open: 'Apri l’app di autenticazione su questo dispositivo',
    key: 'Oppure inserisci questa chiave nell’app:',
    code: 'Codice di 6 cifre dell’app',
    submit: 'Conferma il codice',
    passkey: 'Usa invece una passkey',
  },
  recoveryCodes: {
    title: 'Conserva i tuoi codici di recupero',
    text: 'Ogni codice sostituisce una volta la tua app di autenticazione. Conserva i codici in un luogo sicuro, per esempio in un gestore di password. Non vengono mostrati di nuovo.',
    submit: 'Ho conservato i codici',
  },
  addPasskey: {
    title: 'Aggiungi una passkey',
    offer:
      'Con una passkey accedi con l’impronta, il volto o il blocco del dispositivo. Non ti serve una password.',
    reason:
      'Il tuo account richiede una passkey. Con essa accedi con l’impronta, il volto o il blocco del dispositivo.',
    submit: 'Crea una passkey',
    later: 'Non ora',
    notCreated: 'Non è stata creata nessuna passkey. Riprova.',
    exists: 'Questo dispositivo ha già una passkey di questo account.',
  },
  password: {
    title: 'Scegli una nuova password',
    reason:
      'Per continuare, il tuo account ha bisogno di una nuova password. La nuova password disconnetterà tutti gli altri dispositivi.',
    current: 'Password attuale',
    next: 'Nuova password',
    again: 'Ripeti la nuova password',
    submit: 'Salva la password',
  },
  documentError: {
    title: 'Al momento non è possibile verificare questa applicazione',
    refusedTitle: 'Questa applicazione non è accettata',
    causes: {
      host: (host) => `Questo servizio non accetta applicazioni di ${host}.`,
      url: () => 'L’indirizzo che identifica l’applicazione non è un indirizzo https pubblico.',
      connection: (host) => `Il server ${host} non è raggiungibile.`,
      timeout: (host) => `Il server ${host} non ha risposto in tempo.`,
      redirect: (host) => `Il server ${host} reindirizza a un altro indirizzo, e questo non è consentito.`,
      status: (host) => `Il server ${host} ha risposto con un errore.`,
      size: (host) => `La descrizione dell’applicazione su ${host} è troppo lunga.`,
      content: (host) => `La descrizione dell’applicazione su ${host} contiene errori.`,
    },
    help: 'Non è stato modificato nulla. Torna all’applicazione e riprova più tardi.',
    refusedHelp: 'Non è stato modificato nulla. Torna all’applicazione.',
  },
  consent: {
    title: 'Consenti l’accesso',
    question: (client) => `Consentire a ${client} di usare il tuo account?`,
    scopes: 'L’applicazione avrà accesso a:',
    newScopes: 'Novità:',
    earlierScopes: 'Già consentito:',
    everything: (api) => `L’applicazione potrà fare tutto ciò che il tuo account può fare in ${api}.`,
    describedAt: 'L’applicazione si descrive su:',
    onDevice:
      'Questa applicazione è in esecuzione sul tuo dispositivo. Consenti l’accesso solo se l’hai appena avviata tu.',
    returnTo: 'Poi tornerai su:',
    allow: 'Consenti',
    privacy: 'Informativa sulla privacy dell’applicazione',
    terms: 'Condizioni d’uso dell’applicazione',
  },
  scopes: {
    openid: 'L’identificativo del tuo account',
    profile: 'Il tuo nome e la tua lingua',
    email: 'Il tuo indirizzo e-mail',
  },
  leave: {
    title: 'Continua',
    text: (host) => `Ti stiamo reindirizzando a ${host}. Se non succede nulla, premi il pulsante.`,
    submit: 'Continua',
  },
  signOut: { title: 'Vuoi uscire?', submit: 'Esci', stay: 'Non uscire' },
  signedOut: {
    title: 'Disconnessione effettuata',
    text: 'Puoi chiudere questa pagina o tornare all’applicazione.',
  },
  links: { privacy: 'Privacy', terms: 'Condizioni d’uso', help: 'Aiuto' },
  problems: {
    wrongCredentials: 'Nome utente o password errati. Controlla entrambi e riprova.',
    tooManyAttempts: (when) => `Ci sono stati troppi tentativi. Riprova ${when}.`,
    busy: (when) => `Il servizio è sovraccarico. Riprova ${when}.`,
    wrongCode: {
      totp: 'Il codice è errato o è già stato usato. Inserisci il codice attuale dell’app.',
      recovery_code: 'Il codice di recupero è errato o è già stato usato. Inseriscine un altro.',
      email_code: 'Il codice è errato o non è più valido. Controllalo o richiedine uno nuovo.',
    },
    refusedPasskey: 'Questa passkey non funziona qui. Scegli un’altra passkey o un altro modo per accedere.',
    unusablePasskey: 'Non è stato possibile aggiungere la passkey. Riprova.',
    missingName: 'Scrivi il tuo nome utente o il tuo indirizzo e-mail.',
    noAddress: 'Inserisci un indirizzo e-mail, ad esempio zoe@example.com.',
    wrongCurrentPassword: 'La password attuale è errata. Inseriscila di nuovo.',
    differentPasswords: 'Le due nuove password non coincidono. Inseriscile di nuovo entrambe.',
    passwordLength: (shortest, longest) =>
      `La nuova password deve avere da ${shortest} a ${longest} caratteri. Scegli un’altra password.`,
    commonPassword:
      'Questa password è molto comune, quindi è facile da indovinare. Scegli un’altra password.',
    breachedPassword: 'Questa password è in un elenco di password rubate. Scegli un’altra password.',
    samePassword: 'Scegli una password diversa da quella attuale.',
    changedMeanwhile: 'Il profilo è stato modificato altrove. Controllalo e salva di nuovo.',
    refusedText: (longest) => `Usa al massimo ${longest} caratteri su una riga.`,
    wrongName: 'Scrivi il nome esattamente come è mostrato.',
    otherAccount: 'L’applicazione chiede un altro account. Accedi con quell’account o annulla.',
    expiredForm: 'La pagina è rimasta aperta troppo a lungo. Non è stata eseguita alcuna azione. Riprova.',
    noCookie:
      'Il tuo browser non ha inviato alcun cookie. Non è stata eseguita alcuna azione. Consenti i cookie per questo sito e riprova.',
    otherBrowser:
      'Il modulo appartiene a un altro browser. Non è stata eseguita alcuna azione. Controlla l’account e riprova.',
    otherSession:
      'Il tuo accesso è cambiato da quando questa pagina è stata aperta. Non è stata eseguita alcuna azione. Controlla l’account e continua.',
  },
  errors: {
    number: (status) => `Errore ${status}`,
    link: {
      title: 'Questo link di accesso non funziona',
      text: 'Il link è errato, incompleto o troppo vecchio. Torna all’applicazione e ricomincia.',
    },
    logout: {
      title: 'Questo link di disconnessione non funziona',
      text: 'Non è stato modificato nulla. Torna all’applicazione ed esci da lì.',
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
      text: 'Ricarica questa pagina. Se l’errore si ripete, torna all’applicazione e ricomincia.',
    },
  },
}
