import type { Texts } from './en.ts'

export const pl: Texts = {
  direction: 'ltr',
  cancel: 'Anuluj',
  useAnotherAccount: 'Użyj innego konta',
  username: 'Nazwa użytkownika',
  signIn: {
    title: 'Zaloguj się',
    to: (client) => `aby przejść do: ${client}`,
    password: 'Hasło',
    guest: 'Kontynuuj jako gość',
  },
  account: {
    title: 'Wybierz konto',
    signedInAs: (name) => `Zalogowano jako ${name}`,
    choose: (client) => `Wybierz konto dla: ${client}.`,
    keep: (name) => `Kontynuuj jako ${name}`,
  },
  password: {
    title: 'Wybierz nowe hasło',
    reason:
      'Twoje konto wymaga nowego hasła, zanim przejdziesz dalej. Wszystkie inne urządzenia zostaną wylogowane.',
    current: 'Obecne hasło',
    next: 'Nowe hasło',
    again: 'Powtórz nowe hasło',
    submit: 'Zapisz hasło',
  },
  consent: {
    title: 'Zezwól na dostęp',
    question: (client) => `Zezwolić aplikacji ${client} na korzystanie z Twojego konta?`,
    scopes: (client) => `${client} otrzyma dostęp do tych danych:`,
    returnTo: (host) => `Potem wrócisz do ${host}.`,
    allow: 'Zezwól',
    privacy: (client) => `Polityka prywatności: ${client}`,
    terms: (client) => `Warunki korzystania: ${client}`,
  },
  scopes: {
    openid: 'Identyfikator Twojego konta',
    profile: 'Twoje imię i nazwisko oraz język',
    email: 'Twój adres e-mail',
  },
  leave: {
    title: 'Dalej',
    text: (host) => `Przechodzisz do ${host}. Jeśli nic się nie dzieje, naciśnij przycisk.`,
    submit: 'Dalej',
  },
  signOut: { title: 'Wylogować się?', submit: 'Wyloguj się', stay: 'Pozostań na koncie' },
  signedOut: {
    title: 'Wylogowano',
    text: 'Możesz zamknąć tę stronę lub wrócić do aplikacji.',
  },
  links: { privacy: 'Prywatność', terms: 'Warunki korzystania', help: 'Pomoc' },
  problems: {
    wrongCredentials: 'Nieprawidłowa nazwa użytkownika lub hasło. Sprawdź oba i spróbuj ponownie.',
    tooManyAttempts: (when) => `Było zbyt wiele prób. Spróbuj ponownie ${when}.`,
    busy: (when) => `Usługa jest przeciążona. Spróbuj ponownie ${when}.`,
    wrongCurrentPassword: 'Obecne hasło jest nieprawidłowe. Wpisz je jeszcze raz.',
    differentPasswords: 'Nowe hasła różnią się. Wpisz oba jeszcze raz.',
    passwordLength: (shortest, longest) =>
      `Liczba znaków nowego hasła musi wynosić od ${shortest} do ${longest}. Wybierz inne hasło.`,
    commonPassword: 'Wiele osób używa tego hasła, więc łatwo je odgadnąć. Wybierz inne hasło.',
    breachedPassword: 'To hasło jest na liście skradzionych haseł. Wybierz inne hasło.',
    otherAccount: 'Aplikacja wymaga innego konta. Zaloguj się na to konto lub anuluj.',
    expiredForm: 'Strona była otwarta zbyt długo. Nic się nie stało. Spróbuj ponownie.',
    noCookie:
      'Przeglądarka nie wysłała pliku cookie. Nic się nie stało. Zezwól tej witrynie na pliki cookie i spróbuj ponownie.',
    otherBrowser:
      'Formularz pochodzi z innej przeglądarki. Nic się nie stało. Sprawdź konto i spróbuj ponownie.',
    otherSession:
      'W innej karcie nastąpiło zalogowanie lub wylogowanie. Nic się nie stało. Sprawdź konto i kontynuuj.',
  },
  errors: {
    number: (status) => `Błąd ${status}`,
    link: {
      title: 'Ten link do logowania nie działa',
      text: 'Link jest nieprawidłowy, niepełny lub zbyt stary. Wróć do aplikacji i zacznij od nowa.',
    },
    logout: {
      title: 'Ten link do wylogowania nie działa',
      text: 'Nic nie zostało zmienione. Wróć do aplikacji i wyloguj się w niej.',
    },
    form: {
      title: 'Ten formularz już nie działa',
      text: 'Nic nie zostało zmienione. Wróć do aplikacji i zacznij od nowa.',
    },
    forged: {
      title: 'Ten formularz nie został wysłany z tej witryny',
      text: 'Nic nie zostało zmienione. Wróć do aplikacji i zacznij od nowa.',
    },
    notFound: {
      title: 'Nie znaleziono strony',
      text: 'Adres jest nieprawidłowy. Wróć do aplikacji i zacznij od nowa.',
    },
    unavailable: {
      title: 'Chwilowo niedostępne',
      text: 'Poczekaj chwilę i wczytaj tę stronę ponownie.',
    },
    unexpected: {
      title: 'Coś poszło nie tak',
      text: 'Wczytaj tę stronę ponownie. Jeśli to nie pomoże, wróć do aplikacji i zacznij od nowa.',
    },
  },
}
