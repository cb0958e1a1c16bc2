/** The English texts of the account pages. `AccountTexts` is their type. */
export const en = {
  title: 'Your account',
  back: 'Back to your account',
  notSignedIn: 'You are not signed in. Nothing was changed.',
  chooseTitle: 'Whose account do you want to open?',
  sections: {
    profile: 'Profile',
    address: 'Email address',
    password: 'Password',
    passkeys: 'Passkeys',
    secondFactor: 'Second factor',
    sessions: 'Devices and sessions',
    applications: 'Connected applications',
    data: 'Download your data',
    deletion: 'Delete your account',
  },
  notices: {
    profileSaved: 'Your profile is saved.',
    addressRequested:
      'A mail with a link is on its way to the new address. Your address changes when you use the link within an hour.',
    passwordChanged: 'Your password is changed. You are signed out on all other devices.',
    passkeyAdded: 'The passkey is added.',
    passkeyRenamed: 'The name of the passkey is saved.',
    passkeyRemoved: 'The passkey is removed. Delete it on your device, too.',
    appRemoved: 'The authenticator app is removed.',
    sessionEnded: 'The session has ended.',
    othersEnded: 'You are signed out on all other devices.',
    accessWithdrawn: 'The application no longer has access to your account.',
  },
  profile: {
    name: 'Full name',
    givenName: 'Given name',
    familyName: 'Family name',
    submit: 'Save',
  },
  address: {
    current: (email: string) => `Your email address is ${email}.`,
    text: 'You confirm the new address by a link in a mail to it. Until then, nothing changes.',
    next: 'New email address',
    submit: 'Send the link',
  },
  password: {
    text: 'The new password signs you out on all other devices.',
  },
  passkeys: {
    text: 'A passkey signs you in with your fingerprint, your face or the lock of your device.',
    none: 'You have no passkey. A passkey signs you in with your fingerprint, your face or the lock of your device.',
    added: (time: string) => `Added: ${time}`,
    used: (time: string) => `Last used: ${time}`,
    unused: 'Not used yet',
    name: 'Name of the passkey',
    rename: 'Save the name',
    remove: 'Remove',
  },
  secondFactor: {
    has: 'When you sign in with your password, your account asks for a code of your authenticator app.',
    none: 'With a second factor, a stolen password is not enough to sign in.',
    required: 'Your account needs a second factor, so you cannot remove the app.',
    newCodes: 'Replace the recovery codes',
    newCodesText: 'New recovery codes replace the earlier ones.',
    replace: 'Use another app',
    remove: 'Remove the app',
    removeText: 'The recovery codes are removed with the app.',
  },
  sessions: {
    text: 'These applications are signed in to your account.',
    none: 'No application is signed in to your account.',
    unknownDevice: 'Unknown device',
    thisBrowser: 'This browser',
    began: (time: string) => `Signed in: ${time}`,
    used: (time: string) => `Last used: ${time}`,
    end: 'End session',
    othersText: 'You can end all sessions except that of this page, also sessions that are not listed.',
    others: 'Sign out everywhere else',
  },
  applications: {
    text: 'You allowed these applications to use your account.',
    none: 'You have allowed no other application to use your account.',
    since: (time: string) => `Allowed: ${time}`,
    withdraw: 'Withdraw access',
  },
  data: {
    text: 'The file contains the stored data about your account, your sessions and your sign-ins. It is in the format JSON.',
    submit: 'Download',
  },
  deletion: {
    text: (days: string) =>
      `You are signed out everywhere at once. Your account and its data are erased after ${days}. If you sign in before, the account stays.`,
    confirm: (name: string) => `Type ${name} to confirm`,
    submit: 'Delete my account',
    lastAdmin: 'You are the only administrator. Make another user an administrator first.',
    scheduledTitle: 'Your account will be deleted',
    scheduledText: (days: string) =>
      `You are signed out everywhere. Your account is erased after ${days}. To keep it, sign in before.`,
  },
}

export type AccountTexts = typeof en
