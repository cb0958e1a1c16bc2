import type { AccountTexts } from './en.ts'

/** The texts of the account pages in the language of `../fr.ts`. */
export const fr: AccountTexts = {
  title: 'Votre compte',
  back: 'Retour à votre compte',
  notSignedIn: 'Vous n’avez pas de session ouverte. Rien n’a été modifié.',
  chooseTitle: 'Quel compte voulez-vous ouvrir\u202f?',
  sections: {
    profile: 'Profil',
    address: 'Adresse e-mail',
    password: 'Mot de passe',
    passkeys: 'Clés d’accès',
    secondFactor: 'Second facteur',
    sessions: 'Appareils et sessions',
    applications: 'Applications connectées',
    data: 'Télécharger vos données',
    deletion: 'Supprimer votre compte',
  },
  notices: {
    profileSaved: 'Votre profil est enregistré.',
    addressRequested:
      'Un e-mail avec un lien est en route vers la nouvelle adresse. Votre adresse change lorsque vous utilisez le lien dans l’heure.',
    passwordChanged:
      'Votre mot de passe est modifié. Vos sessions sur tous les autres appareils sont fermées.',
    passkeyAdded: 'La clé d’accès est ajoutée.',
    passkeyRenamed: 'Le nom de la clé d’accès est enregistré.',
    passkeyRemoved: 'La clé d’accès est supprimée. Supprimez-la aussi sur votre appareil.',
    appRemoved: 'L’application d’authentification est supprimée.',
    sessionEnded: 'La session est fermée.',
    othersEnded: 'Vos sessions sur tous les autres appareils sont fermées.',
    accessWithdrawn: (client) => `${client} n’a plus accès à votre compte.`,
    deletionCancelled: 'Votre connexion a annulé la suppression de votre compte.',
  },
  profile: {
    name: 'Nom complet',
    givenName: 'Prénom',
    familyName: 'Nom de famille',
    locale: 'Langue des e-mails',
    noLocale: 'Non choisie',
    submit: 'Enregistrer',
  },
  address: {
    current: (email) => `Votre adresse e-mail est ${email}.`,
    text: 'Vous confirmez la nouvelle adresse par un lien dans un e-mail envoyé à celle-ci. D’ici là, rien ne change.',
    next: 'Nouvelle adresse e-mail',
    submit: 'Envoyer le lien',
  },
  password: {
    text: 'Le nouveau mot de passe vous déconnecte de tous les autres appareils.',
  },
  passkeys: {
    text: 'Avec une clé d’accès, vous vous connectez par votre empreinte, votre visage ou le verrouillage de votre appareil.',
    none: 'Vous n’avez pas de clé d’accès. Avec une clé d’accès, vous vous connectez par votre empreinte, votre visage ou le verrouillage de votre appareil.',
    required:
      'Votre compte demande cette clé d’accès, elle ne peut donc pas être supprimée. Ajoutez d’abord une autre clé.',
    added: (time) => `Ajoutée\u00a0: ${time}`,
    used: (time) => `Dernière utilisation\u00a0: ${time}`,
    unused: 'Pas encore utilisée',
    name: 'Nom de la clé d’accès',
    changeName: 'Modifier le nom',
    rename: 'Enregistrer le nom',
    remove: 'Supprimer',
  },
  secondFactor: {
    has: 'Quand vous vous connectez avec le mot de passe, votre compte demande un code de votre application d’authentification.',
    none: 'Avec un second facteur, un mot de passe volé ne suffit pas pour se connecter.',
    required: 'Votre compte demande un second facteur, l’application ne peut donc pas être supprimée.',
    newCodes: 'Remplacer les codes de récupération',
    newCodesText: 'De nouveaux codes de récupération remplacent les précédents.',
    replace: 'Utiliser une autre application',
    remove: 'Supprimer l’application',
    removeText: 'Les codes de récupération sont supprimés avec l’application.',
  },
  sessions: {
    text: 'Ces applications sont connectées à votre compte.',
    none: 'Aucune application n’est connectée à votre compte.',
    unknownDevice: 'Appareil inconnu',
    thisBrowser: 'Ce navigateur',
    startedHere: 'Commencé dans ce navigateur',
    began: (time) => `Connexion\u00a0: ${time}`,
    used: (time) => `Dernière utilisation\u00a0: ${time}`,
    end: 'Fermer la session',
    othersText:
      'Vous pouvez fermer toutes les sessions sauf celle de cette page, y compris celles qui ne figurent pas dans la liste.',
    others: 'Se déconnecter partout ailleurs',
  },
  applications: {
    text: 'Vous avez autorisé ces applications à utiliser votre compte.',
    none: 'Vous n’avez autorisé aucune autre application à utiliser votre compte.',
    api: (name) => `Accès à\u00a0: ${name}`,
    since: (time) => `Autorisation\u00a0: ${time}`,
    noSession: 'Aucune session active',
    withdraw: 'Retirer l’accès',
  },
  data: {
    text: 'Le fichier contient les données enregistrées sur votre compte, vos sessions et vos connexions. Il est au format JSON.',
    submit: 'Télécharger',
  },
  deletion: {
    text: (days) =>
      `Toutes vos sessions sont fermées immédiatement. Votre compte et ses données sont effacés après ${days}. Si vous vous connectez avant, le compte est conservé.`,
    confirm: (name) => `Saisissez ${name} pour confirmer`,
    submit: 'Supprimer mon compte',
    lastAdmin: 'Ce compte est le seul compte d’administration. Donnez d’abord ce rôle à un autre compte.',
    scheduledTitle: 'Votre compte sera supprimé',
    scheduledText: (days) =>
      `Toutes vos sessions sont fermées. Votre compte est effacé après ${days}. Pour le conserver, connectez-vous avant.`,
  },
}
