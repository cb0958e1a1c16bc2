import { en as accountPage } from './account/en.ts'

/** The English texts. `Texts` is their type, so a language without one of them does not compile. */
export const en = {
  cancel: 'Cancel',
  useAnotherAccount: 'Use another account',
  username: 'Username',
  signIn: {
    title: 'Sign in',
    to: (client: string) => `to continue to ${client}`,
    password: 'Password',
    passkey: 'Sign in with a passkey',
    emailCode: 'Email me a code',
    signUp: 'Create an account',
    guest: 'Continue as guest',
  },
  account: {
    title: 'Choose an account',
    signedInAs: (name: string) => `You are signed in as ${name}`,
    choose: (client: string) => `Choose the account for ${client}.`,
    keep: (name: string) => `Continue as ${name}`,
  },
  accountPage,
  emailCode: {
    title: 'Check your email',
    text: (name: string) =>
      `If ${name} has an account with a confirmed address, a mail with a code is on its way. The code works for 10 minutes in this browser.`,
    code: '6-digit code',
    submit: 'Sign in',
    again: 'Send a new code',
    other: 'Use a password or another address',
  },
  signUp: {
    title: 'Create an account',
    address: 'Email address',
    hint: 'You get a code by mail.',
    submit: 'Continue',
    signIn: 'I already have an account',
    mail: (address: string) =>
      `A mail to ${address} is on its way. Enter its code here. It works for 10 minutes in this browser. If the address already has an account, the mail says so.`,
    otherAddress: 'Use another address',
  },
  createAccount: {
    title: 'Choose a password',
    name: 'Name (optional)',
    again: 'Password again',
    submit: 'Create account',
  },
  forgotten: {
    link: 'Forgot your password?',
    title: 'Forgotten password',
    text: 'Enter your username or your email address. You get a link to a new password by mail.',
    submit: 'Send the link',
    sent: 'If there is an account with a confirmed address for this name, a mail with a link is on its way. The link works for 30 minutes. Close this page, or go back to the sign-in after you have chosen a new password.',
    back: 'Back to the sign-in',
  },
  newPassword: {
    text: 'The new password signs the account out on all devices.',
    doneTitle: 'Your password is set',
    done: 'You can sign in with the password now.',
  },
  confirmAddress: {
    title: 'Confirm email address',
    text: (address: string, username: string) => `Use ${address} for the account ${username}?`,
    ignore: 'If you do not know this account, close this page. Nothing changes without you.',
    doneTitle: 'Your email address is confirmed',
    done: 'Mails go to the new address from now on.',
  },
  voidLink: {
    title: 'This link no longer works',
    text: 'It was used, it has expired, or the account has changed since the mail was sent.',
    again: 'Request a new link',
  },
  endSessions: {
    title: 'End all sessions?',
    text: 'Each browser and application that uses your account must sign in again.',
    submit: 'End all sessions',
    doneTitle: 'All sessions are ended',
    done: 'Each browser and application must sign in again. Choose a new password now, because another person may know the current one.',
    choose: 'Choose a new password',
  },
  passkey: {
    notUsed: 'No passkey was used. Try again, or choose another way to sign in.',
    unsupported: 'Passkeys do not work in this browser. Use a current browser, and allow scripts.',
  },
  secondFactor: {
    title: 'Confirm that it is you',
    text: (name: string) => `Enter the code that your authenticator app shows for ${name}.`,
    byPasskey: (name: string) => `Use the passkey of ${name}.`,
    passkey: 'Use a passkey',
    code: '6-digit code',
    submit: 'Continue',
    lost: 'Use a recovery code',
    recoveryCode: 'Recovery code',
    recoveryHint: 'Each recovery code works once.',
    submitRecovery: 'Continue with the recovery code',
  },
  emailSecondFactor: {
    ask: (name: string) => `We can send a code to the confirmed email address of ${name}.`,
    sent: (name: string) =>
      `A mail with a code is on its way to the confirmed address of ${name}. The code works for 10 minutes in this browser.`,
  },
  setUp: {
    title: 'Set up a second factor',
    reason: 'Your account needs a code from an authenticator app in addition to your password.',
    scan: 'Scan this QR code with your authenticator app.',
    qr: 'QR code for the authenticator app',
    open: 'Open the authenticator app on this device',
    key: 'Or type this key into the app:',
    code: '6-digit code from the app',
    submit: 'Confirm the code',
    passkey: 'Use a passkey instead',
  },
  recoveryCodes: {
    title: 'Keep your recovery codes',
    text: 'Each code replaces your authenticator app once. Store the codes in a safe place, such as a password manager. They are not shown again.',
    submit: 'I have kept the codes',
  },
  addPasskey: {
    title: 'Add a passkey',
    offer:
      'A passkey signs you in with your fingerprint, your face or the lock of your device. You need no password.',
    reason:
      'Your account needs a passkey. It signs you in with your fingerprint, your face or the lock of your device.',
    submit: 'Create a passkey',
    later: 'Not now',
    notCreated: 'No passkey was created. Try again.',
    exists: 'This device already has a passkey of this account.',
  },
  password: {
    title: 'Choose a new password',
    reason:
      'Your account needs a new password before you can continue. The new password signs you out on all other devices.',
    current: 'Current password',
    next: 'New password',
    again: 'New password again',
    submit: 'Set password',
  },
  documentError: {
    title: 'This application cannot be checked at the moment',
    refusedTitle: 'This application is not accepted',
    causes: {
      host: (host: string) => `This service does not accept applications from ${host}.`,
      url: (_host: string) => 'The address that identifies the application is not a public https address.',
      connection: (host: string) => `The server ${host} cannot be reached.`,
      timeout: (host: string) => `The server ${host} did not respond in time.`,
      redirect: (host: string) => `The server ${host} redirects to another address, which is not allowed.`,
      status: (host: string) => `The server ${host} responded with an error.`,
      size: (host: string) => `The description of the application at ${host} is too long.`,
      content: (host: string) => `The description of the application at ${host} has errors.`,
    },
    help: 'Nothing was changed. Go back to the application and try again later.',
    refusedHelp: 'Nothing was changed. Go back to the application.',
  },
  consent: {
    title: 'Allow access',
    question: (client: string) => `Allow ${client} to use your account?`,
    scopes: 'It gets access to:',
    newScopes: 'New:',
    earlierScopes: 'Already allowed:',
    everything: (api: string) => `It gets access to everything that your account can do in ${api}.`,
    describedAt: 'The application describes itself at:',
    onDevice:
      'This application runs on your device. Allow the access only if you have just started it yourself.',
    returnTo: 'You then return to:',
    allow: 'Allow',
    privacy: 'Privacy policy of the application',
    terms: 'Terms of the application',
  },
  scopes: {
    openid: 'The id of your account',
    profile: 'Your name and your language',
    email: 'Your email address',
  },
  leave: {
    title: 'Continue',
    text: (host: string) => `Your browser continues to ${host}. If nothing happens, press the button.`,
    submit: 'Continue',
  },
  signOut: {
    title: 'Sign out?',
    submit: 'Sign out',
    stay: 'Stay signed in',
  },
  signedOut: {
    title: 'You are signed out',
    text: 'You can close this page, or go back to the application.',
  },
  links: { privacy: 'Privacy', terms: 'Terms', help: 'Help' },
  problems: {
    wrongCredentials: 'Wrong username or password. Check both and try again.',
    tooManyAttempts: (when: string) => `There were too many attempts. Try again ${when}.`,
    busy: (when: string) => `The service is busy. Try again ${when}.`,
    wrongCode: {
      totp: 'The code is wrong or was used before. Enter the current code of the app.',
      recovery_code: 'The recovery code is wrong or was used before. Enter another one.',
      email_code: 'The code is wrong or no longer valid. Check it, or request a new code.',
    },
    refusedPasskey: 'This passkey does not work here. Choose another passkey, or another way to sign in.',
    unusablePasskey: 'The passkey could not be added. Try again.',
    missingName: 'Type your username or email address.',
    noAddress: 'Type an email address, such as zoe@example.com.',
    wrongCurrentPassword: 'The current password is wrong. Type it again.',
    differentPasswords: 'The two new passwords differ. Type both again.',
    passwordLength: (shortest: number, longest: number) =>
      `The new password must have ${shortest} to ${longest} characters. Choose another password.`,
    commonPassword: 'This password is very common, so it is easy to guess. Choose another password.',
    breachedPassword: 'This password is in a list of stolen passwords. Choose another password.',
    samePassword: 'Choose a password that differs from the current one.',
    changedMeanwhile: 'The profile was changed in another place. Check it, then save again.',
    refusedText: (longest: number) => `Use at most ${longest} characters in one line.`,
    wrongName: 'Type the name exactly as it is shown.',
    otherAccount: 'The application asks for another account. Sign in with that account, or cancel.',
    expiredForm: 'The page was open for too long. Nothing happened. Try again.',
    noCookie: 'Your browser sent no cookie. Nothing happened. Allow cookies for this site, then try again.',
    otherBrowser:
      'The form was made for another browser. Nothing happened. Check the account, then try again.',
    otherSession:
      'Your sign-in has changed since this page was opened. Nothing happened. Check the account, then continue.',
  },
  errors: {
    number: (status: number) => `Error ${status}`,
    link: {
      title: 'This sign-in link does not work',
      text: 'The link is wrong, incomplete or too old. Go back to the application and start again.',
    },
    logout: {
      title: 'This sign-out link does not work',
      text: 'Nothing was changed. Go back to the application and sign out there.',
    },
    form: {
      title: 'This form no longer works',
      text: 'Nothing was changed. Go back to the application and start again.',
    },
    forged: {
      title: 'This form was not sent from this site',
      text: 'Nothing was changed. Go back to the application and start again.',
    },
    notFound: {
      title: 'Page not found',
      text: 'The address is wrong. Go back to the application and start again.',
    },
    unavailable: {
      title: 'Not available at the moment',
      text: 'Wait a moment, then load this page again.',
    },
    unexpected: {
      title: 'Something went wrong',
      text: 'Load this page again. If it fails again, go back to the application and start again.',
    },
  },
}

export type Texts = typeof en
