import type { MailTexts } from './en.ts'

/** The French texts. They address the user as "vous". */
export const fr: MailTexts = {
  kinds: {
    verify_sign_up: {
      subject: (name) => `Votre code pour un nouveau compte ${name}`,
      text: (name) =>
        `Saisissez ce code sur ${name} pour créer votre compte. Ne le communiquez à aucune autre personne, pas même à ${name}.`,
    },
    address_has_account: {
      subject: (name) => `Vous avez déjà un compte ${name}`,
      text: (name) =>
        `Un compte ${name} a été demandé avec cette adresse e-mail. Vous avez déjà un compte, rien n’a donc été modifié. Connectez-vous pour l’utiliser.`,
      action: 'Se connecter',
    },
    email_code: {
      subject: (name) => `Votre code pour ${name}`,
      text: (name) =>
        `Saisissez ce code sur ${name}. Ne le communiquez à aucune autre personne, pas même à ${name}.`,
    },
    reset_password: {
      subject: (name) => `Choisissez un nouveau mot de passe pour ${name}`,
      text: (name) => `Un nouveau mot de passe a été demandé pour votre compte ${name}.`,
      action: 'Choisir un nouveau mot de passe',
    },
    confirm_new_address: {
      subject: (name) => `Confirmez votre nouvelle adresse e-mail pour ${name}`,
      text: (name) => `Confirmez cette adresse e-mail pour l’utiliser avec votre compte ${name}.`,
      action: 'Confirmer l’adresse e-mail',
    },
    address_changes: {
      subject: (name) => `Nouvelle adresse e-mail pour votre compte ${name}`,
      text: (name) =>
        `Une nouvelle adresse e-mail a été demandée pour votre compte ${name}. Dès qu’elle sera confirmée, les e-mails seront envoyés uniquement à la nouvelle adresse.`,
    },
    address_changed: {
      subject: (name) => `L’adresse e-mail de votre compte ${name} a été modifiée`,
      text: (name) =>
        `L’adresse e-mail de votre compte ${name} a été modifiée. Les e-mails sont envoyés uniquement à la nouvelle adresse.`,
    },
    password_changed: {
      subject: (name) => `Votre mot de passe ${name} a été modifié`,
      text: (name) => `Le mot de passe de votre compte ${name} a été modifié.`,
    },
    factor_changed: {
      subject: (name) => `Vos méthodes de connexion à ${name} ont été modifiées`,
      text: (name) => `Cela concerne votre compte ${name}.`,
    },
    new_device: {
      subject: (name) => `Nouvelle connexion à votre compte ${name}`,
      text: (name) => `Votre compte ${name} a été utilisé sur un nouvel appareil ou dans un nouveau lieu.`,
    },
    token_theft: {
      subject: (name) => `Une session de votre compte ${name} a été fermée`,
      text: (name) =>
        `Une session de votre compte ${name} a été utilisée à deux endroits, elle a donc été fermée.`,
    },
    invitation: {
      subject: (name) => `Votre compte ${name}`,
      text: (name) => `Un compte ${name} a été créé pour vous. Choisissez un mot de passe pour l’utiliser.`,
      action: 'Choisir un mot de passe',
    },
    deletion_scheduled: {
      subject: (name) => `Votre compte ${name} va être supprimé`,
      text: (name) =>
        `La suppression de votre compte ${name} a été demandée. Si vous vous connectez avant cette date, le compte est conservé.`,
    },
    deletion_cancelled: {
      subject: (name) => `Votre compte ${name} ne sera pas supprimé`,
      text: (name) => `Une connexion a annulé la suppression de votre compte ${name}.`,
    },
    more_needed: {
      subject: (name) => `Une connexion à votre compte ${name} est incomplète`,
      text: (name) =>
        `Votre mot de passe ${name} a été saisi, mais la deuxième étape de la connexion manque.`,
    },
  },
  changes: {
    totp_added: 'Une application d’authentification a été ajoutée.',
    totp_removed: 'L’application d’authentification a été supprimée.',
    passkey_added: 'Une clé d’accès a été ajoutée.',
    passkey_removed: 'Une clé d’accès a été supprimée.',
    recovery_codes_renewed: 'Il y a de nouveaux codes de récupération. Les anciens ne fonctionnent plus.',
    recovery_code_used: 'Un code de récupération a servi à se connecter.',
  },
  linkLifetime: (duration) => `Le lien fonctionne une seule fois, pendant ${duration}.`,
  codeLifetime: (duration) => `Le code fonctionne une seule fois, pendant ${duration}.`,
  deletion: (date) => `Date de la suppression\u00a0: ${date}.`,
  notRequested: 'Si vous n’avez pas demandé cet e-mail, vous pouvez l’ignorer. Rien ne change sans vous.',
  passwordKnown:
    'Si vous ne venez pas de saisir votre mot de passe, une autre personne le connaît. Choisissez un nouveau mot de passe.',
  notYou: 'Si ce n’était pas vous, fermez toutes les sessions et choisissez un nouveau mot de passe.',
  endSessions: 'Fermer toutes les sessions',
  facts: { at: 'Date', device: 'Appareil', country: 'Pays' },
  links: { privacy: 'Confidentialité', terms: 'Conditions d’utilisation', help: 'Aide' },
}
