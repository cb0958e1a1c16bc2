import { fr as accountPage } from './account/fr.ts'
import type { Texts } from './en.ts'

/**
 * The French texts. They address the user as "vous", without a word that depends on the gender of the user. A narrow no-break space
 * (U+202F) stands before "?", a no-break space (U+00A0) before ":".
 */
export const fr: Texts = {
  cancel: 'Annuler',
  useAnotherAccount: 'Utiliser un autre compte',
  username: 'Nom d’utilisateur',
  signIn: {
    title: 'Se connecter',
    to: (client) => `pour continuer vers ${client}`,
    password: 'Mot de passe',
    passkey: 'Se connecter avec une clé d’accès',
    emailCode: 'Recevoir un code par e-mail',
    signUp: 'Créer un compte',
    guest: 'Continuer sans compte',
  },
  account: {
    title: 'Choisir un compte',
    signedInAs: (name) => `Vous utilisez le compte ${name}`,
    choose: (client) => `Choisissez le compte pour ${client}.`,
    keep: (name) => `Continuer en tant que ${name}`,
  },
  accountPage,
  emailCode: {
    title: 'Consultez votre messagerie',
    text: (name) =>
      `Si ${name} a un compte avec une adresse confirmée, un e-mail avec un code est en route. Le code est valable 10 minutes dans ce navigateur.`,
    code: 'Code à 6 chiffres',
    submit: 'Se connecter',
    again: 'Envoyer un nouveau code',
    other: 'Utiliser un mot de passe ou une autre adresse',
  },
  signUp: {
    title: 'Créer un compte',
    address: 'Adresse e-mail',
    hint: 'Vous recevez un code par e-mail.',
    submit: 'Continuer',
    signIn: 'J’ai déjà un compte',
    mail: (address) =>
      `Un e-mail est en route vers ${address}. Saisissez ici le code qu’il contient. Il est valable 10 minutes dans ce navigateur. Si cette adresse a déjà un compte, l’e-mail l’indique.`,
    otherAddress: 'Utiliser une autre adresse',
  },
  createAccount: {
    title: 'Choisissez un mot de passe',
    name: 'Nom (facultatif)',
    again: 'Répétez le mot de passe',
    submit: 'Créer le compte',
  },
  forgotten: {
    link: 'Mot de passe oublié\u202f?',
    title: 'Mot de passe oublié',
    text: 'Saisissez votre nom d’utilisateur ou votre adresse e-mail. Vous recevrez par e-mail un lien pour choisir un nouveau mot de passe.',
    submit: 'Envoyer le lien',
    sent: 'Si un compte avec une adresse confirmée correspond à ce nom, un e-mail avec un lien est en route. Le lien est valable 30 minutes. Fermez cette page ou revenez à la connexion après avoir choisi un nouveau mot de passe.',
    back: 'Revenir à la connexion',
  },
  newPassword: {
    text: 'Le nouveau mot de passe déconnecte le compte de tous les appareils.',
    doneTitle: 'Votre mot de passe est enregistré',
    done: 'Vous pouvez maintenant vous connecter avec le mot de passe.',
  },
  confirmAddress: {
    title: 'Confirmer l’adresse e-mail',
    text: (address, username) => `Utiliser ${address} pour le compte ${username}\u202f?`,
    ignore: 'Si vous ne connaissez pas ce compte, fermez cette page. Rien ne change sans vous.',
    doneTitle: 'Votre adresse e-mail est confirmée',
    done: 'Les e-mails sont désormais envoyés à la nouvelle adresse.',
  },
  voidLink: {
    title: 'Ce lien n’est plus valable',
    text: 'Il a été utilisé, il a expiré, ou le compte a changé depuis l’envoi de l’e-mail.',
    again: 'Demander un nouveau lien',
  },
  endSessions: {
    title: 'Fermer toutes les sessions\u202f?',
    text: 'Chaque navigateur et chaque application qui utilise votre compte devra se reconnecter.',
    submit: 'Fermer toutes les sessions',
    doneTitle: 'Toutes les sessions sont fermées',
    done: 'Chaque navigateur et chaque application doit se reconnecter. Choisissez maintenant un nouveau mot de passe, car une autre personne connaît peut-être le mot de passe actuel.',
    choose: 'Choisir un nouveau mot de passe',
  },
  passkey: {
    notUsed: 'Aucune clé d’accès n’a été utilisée. Réessayez ou choisissez une autre méthode de connexion.',
    unsupported:
      'Les clés d’accès ne fonctionnent pas dans ce navigateur. Utilisez un navigateur récent et autorisez les scripts.',
  },
  secondFactor: {
    title: 'Confirmez votre identité',
    text: (name) => `Saisissez le code affiché par votre application d’authentification pour ${name}.`,
    byPasskey: (name) => `Utilisez la clé d’accès de ${name}.`,
    passkey: 'Utiliser une clé d’accès',
    code: 'Code à 6 chiffres',
    submit: 'Continuer',
    lost: 'Utiliser un code de récupération',
    recoveryCode: 'Code de récupération',
    recoveryHint: 'Chaque code de récupération fonctionne une seule fois.',
    submitRecovery: 'Continuer avec le code de récupération',
  },
  emailSecondFactor: {
    ask: (name) => `Nous pouvons envoyer un code à l’adresse confirmée de ${name}.`,
    sent: (name) =>
      `Un e-mail avec un code est en route vers l’adresse confirmée de ${name}. Le code est valable 10 minutes dans ce navigateur.`,
  },
  setUp: {
    title: 'Configurer un second facteur',
    reason: 'Votre compte demande un code d’une application d’authentification en plus du mot de passe.',
    scan: 'Scannez ce code QR avec votre application d’authentification.',
    qr: 'Code QR pour l’application d’authentification',
    open: 'Ouvrir l’application d’authentification sur cet appareil',
    key: 'Ou saisissez cette clé dans l’application\u00a0:',
    code: 'Code à 6 chiffres de l’application',
    submit: 'Confirmer le code',
    passkey: 'Utiliser plutôt une clé d’accès',
  },
  recoveryCodes: {
    title: 'Conservez vos codes de récupération',
    text: 'Chaque code remplace une fois votre application d’authentification. Conservez les codes en lieu sûr, par exemple dans un gestionnaire de mots de passe. Ils ne seront plus affichés.',
    submit: 'J’ai conservé les codes',
  },
  addPasskey: {
    title: 'Ajouter une clé d’accès',
    offer:
      'Avec une clé d’accès, vous vous connectez par votre empreinte, votre visage ou le verrouillage de votre appareil, sans mot de passe.',
    reason:
      'Votre compte demande une clé d’accès. Avec elle, vous vous connectez par votre empreinte, votre visage ou le verrouillage de votre appareil.',
    submit: 'Créer une clé d’accès',
    later: 'Pas maintenant',
    notCreated: 'Aucune clé d’accès n’a été créée. Réessayez.',
    exists: 'Cet appareil a déjà une clé d’accès de ce compte.',
  },
  password: {
    title: 'Choisir un nouveau mot de passe',
    reason:
      'Pour continuer, votre compte a besoin d’un nouveau mot de passe. Ce changement vous déconnectera de tous vos autres appareils.',
    current: 'Mot de passe actuel',
    next: 'Nouveau mot de passe',
    again: 'Confirmer le nouveau mot de passe',
    submit: 'Enregistrer le mot de passe',
  },
  documentError: {
    title: 'Cette application ne peut pas être vérifiée pour le moment',
    refusedTitle: 'Cette application n’est pas acceptée',
    causes: {
      host: (host) => `Ce service n’accepte pas les applications de ${host}.`,
      url: () => 'L’adresse qui identifie l’application n’est pas une adresse https publique.',
      connection: (host) => `Le serveur ${host} est injoignable.`,
      timeout: (host) => `Le serveur ${host} n’a pas répondu à temps.`,
      redirect: (host) => `Le serveur ${host} redirige vers une autre adresse, ce qui n’est pas autorisé.`,
      status: (host) => `Le serveur ${host} a répondu par une erreur.`,
      size: (host) => `La description de l’application sur ${host} est trop longue.`,
      content: (host) => `La description de l’application sur ${host} contient des erreurs.`,
    },
    help: 'Rien n’a été modifié. Retournez à l’application et réessayez plus tard.',
    refusedHelp: 'Rien n’a été modifié. Retournez à l’application.',
  },
  consent: {
    title: 'Autoriser l’accès',
    question: (client) => `Autoriser ${client} à utiliser votre compte\u202f?`,
    scopes: 'L’application aura accès à\u00a0:',
    newScopes: 'Nouveau\u00a0:',
    earlierScopes: 'Déjà autorisé\u00a0:',
    everything: (api) => `L’application pourra faire tout ce que votre compte peut faire dans ${api}.`,
    describedAt: 'L’application se décrit elle-même sur\u00a0:',
    onDevice:
      'Cette application s’exécute sur votre appareil. Autorisez l’accès seulement si vous venez de la lancer vous-même.',
    returnTo: 'Vous retournerez ensuite sur\u00a0:',
    allow: 'Autoriser',
    privacy: 'Politique de confidentialité de l’application',
    terms: 'Conditions d’utilisation de l’application',
  },
  scopes: {
    openid: 'L’identifiant de votre compte',
    profile: 'Votre nom et votre langue',
    email: 'Votre adresse e-mail',
  },
  leave: {
    title: 'Continuer',
    text: (host) => `Redirection vers ${host}. Si rien ne se passe, appuyez sur le bouton.`,
    submit: 'Continuer',
  },
  signOut: { title: 'Se déconnecter\u202f?', submit: 'Se déconnecter', stay: 'Ne pas se déconnecter' },
  signedOut: {
    title: 'Déconnexion effectuée',
    text: 'Vous pouvez fermer cette page ou retourner à l’application.',
  },
  links: { privacy: 'Confidentialité', terms: 'Conditions d’utilisation', help: 'Aide' },
  problems: {
    wrongCredentials: 'Nom d’utilisateur ou mot de passe incorrect. Vérifiez les deux et réessayez.',
    tooManyAttempts: (when) => `Il y a eu trop de tentatives. Réessayez ${when}.`,
    busy: (when) => `Le service est très sollicité. Réessayez ${when}.`,
    wrongCode: {
      totp: 'Le code est incorrect ou a déjà été utilisé. Saisissez le code actuel de l’application.',
      recovery_code: 'Le code de récupération est incorrect ou a déjà été utilisé. Saisissez-en un autre.',
      email_code: 'Le code est incorrect ou n’est plus valable. Vérifiez-le ou demandez-en un nouveau.',
    },
    refusedPasskey:
      'Cette clé d’accès ne fonctionne pas ici. Choisissez une autre clé d’accès ou une autre méthode de connexion.',
    unusablePasskey: 'La clé d’accès n’a pas pu être ajoutée. Réessayez.',
    missingName: 'Saisissez votre nom d’utilisateur ou votre adresse e-mail.',
    noAddress: 'Saisissez une adresse e-mail, par exemple zoe@example.com.',
    wrongCurrentPassword: 'Le mot de passe actuel est incorrect. Saisissez-le à nouveau.',
    differentPasswords: 'Les deux nouveaux mots de passe sont différents. Saisissez-les à nouveau.',
    passwordLength: (shortest, longest) =>
      `Le nouveau mot de passe doit comporter entre ${shortest} et ${longest} caractères. Choisissez un autre mot de passe.`,
    commonPassword:
      'Ce mot de passe est très répandu, donc facile à deviner. Choisissez un autre mot de passe.',
    breachedPassword:
      'Ce mot de passe figure dans une liste de mots de passe volés. Choisissez un autre mot de passe.',
    samePassword: 'Choisissez un mot de passe différent de l’actuel.',
    changedMeanwhile: 'Le profil a été modifié ailleurs. Vérifiez-le, puis enregistrez à nouveau.',
    refusedText: (longest) => `Utilisez au plus ${longest} caractères sur une ligne.`,
    wrongName: 'Saisissez le nom exactement comme il est affiché.',
    otherAccount: 'L’application demande un autre compte. Connectez-vous avec ce compte ou annulez.',
    expiredForm: 'La page est restée ouverte trop longtemps. Aucune action n’a été effectuée. Réessayez.',
    noCookie:
      'Votre navigateur n’a pas envoyé de cookie. Aucune action n’a été effectuée. Autorisez les cookies pour ce site, puis réessayez.',
    otherBrowser:
      'Le formulaire appartient à un autre navigateur. Aucune action n’a été effectuée. Vérifiez le compte, puis réessayez.',
    otherSession:
      'Votre connexion a changé depuis l’ouverture de cette page. Aucune action n’a été effectuée. Vérifiez le compte, puis continuez.',
  },
  errors: {
    number: (status) => `Erreur ${status}`,
    link: {
      title: 'Ce lien de connexion ne fonctionne pas',
      text: 'Le lien est incorrect, incomplet ou trop ancien. Retournez à l’application et recommencez.',
    },
    logout: {
      title: 'Ce lien de déconnexion ne fonctionne pas',
      text: 'Rien n’a été modifié. Retournez à l’application pour vous y déconnecter.',
    },
    form: {
      title: 'Ce formulaire ne fonctionne plus',
      text: 'Rien n’a été modifié. Retournez à l’application et recommencez.',
    },
    forged: {
      title: 'Ce formulaire n’a pas été envoyé depuis ce site',
      text: 'Rien n’a été modifié. Retournez à l’application et recommencez.',
    },
    notFound: {
      title: 'Page introuvable',
      text: 'L’adresse est incorrecte. Retournez à l’application et recommencez.',
    },
    unavailable: {
      title: 'Indisponible pour le moment',
      text: 'Attendez un instant, puis rechargez cette page.',
    },
    unexpected: {
      title: 'Une erreur s’est produite',
      text: 'Rechargez cette page. Si l’erreur persiste, retournez à l’application et recommencez.',
    },
  },
}
