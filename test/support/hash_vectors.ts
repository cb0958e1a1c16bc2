import type { HashColumns } from '@sallyport/formats/schemes/conversion/conversion'

/** A hash in the form of another system, and its password. Every password is invented. */
export interface HashVector {
  /** The name of the import scheme; null if the text names it. */
  scheme: string | null
  columns: HashColumns
  password: string
}

/** The password of the vectors that were made for these tests. */
const PASSWORD = 'pâte 🔑 1'

/** The keys of the systems below. The first two are invented, the third is published with Firebase's scrypt. */
export const VECTOR_KEYS = {
  devise: '7f3c9b1e5d8a2046bc17e93fa0d5826147cf3b9e1d6a80527f3c9b1e5d8a2046bc17e93fa0d5826147cf3b9e1d6a8052',
  prestashop: 'Xq3vT8nLw0ZsK5yBd7RfHj2MgPaCeU9iXq3vT8nLw0ZsK5yBd7RfHj2M',
  'firebase-scrypt':
    'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
}

function vectors(scheme: string | null, password: string, hashes: readonly string[]): HashVector[] {
  return hashes.map((hash) => ({ scheme, columns: { hash }, password }))
}

const SALT = 'kX7sQ2mN9pL4vB1z0aYtRe5UwCdFgH3j'

/** Made by PHP 8.2 and its sodium, by the steps of Magento\Framework\Encryption\Encryptor. */
const MAGENTO = [
  ...vectors('magento2', PASSWORD, [
    `f25a4dc92d37e2454942839f4be4d4b8:${SALT}:0`,
    `9304fe6669887a7b899a078224360361c431fa025165b0de33c749d553cc0931:${SALT}:1`,
    '4a43dc77578589925ad6ee1fccbf2c6e51665f98c4bbdd11fe44ad7b02baa3d9:abc12345xyz:1',
    `e17f599081672a57bbae869609cfdbded2fc32266530b736bdaba58861437d3c:${SALT}:2`,
    '05b3ea21b98a81f21fd76fdf101718644ab7f1ce199a20af3ffe13565ad8cdbc:abc12345xyz:2',
    `e17f599081672a57bbae869609cfdbded2fc32266530b736bdaba58861437d3c:${SALT}:3_32_2_67108864`,
    `e7b93b9744ca3e730ba8ceb9b9e341ccf2edd97ac54846e205ee0875858e641dd04f8245057780994c041489eb76344aa542992a19a5dac88251da89c99cdddd:${SALT}:3_64_3_16777216`,
    `b7d080e3fc22cef057acaaef4bb007e7e60760428837c96eea95b0c454d8536a:${SALT}:0:1`,
    `7c28ce9c8b63380a16947481fa86e130dee507d70080be83f0d51dd49a6f4b2d:${SALT}:0:2`,
    `0e111818ef4376cb07868cbed71b459e85ac16c8c142ffda71924e3b69916a1a:${SALT}:1:2`,
    `6bf89367d86e61401d6a2cc5ca3d40501fd0f20b77382e43463e06cd0f1851e2:${SALT}:0:1:3_32_2_67108864`,
  ]),
  ...vectors('magento1', PASSWORD, [
    '757e18618b604fdb96cea29ba6c83450:aB',
    '27b1c206b6cc9d776ce0fd6d5dab7aa93a8d59b68aa997e1144226ebccff251f:aB',
  ]),
  // Published with github.com/cyclone-github/magento_cracker.
  ...vectors('magento2', 'Password@', [
    'a0f9f007c538cccdc8a809d76b5fc8f9b372b3c7ade7dc8f74e4aef709b727df:xBOgXnu843dmyzRM:2',
  ]),
  ...vectors(null, 'Password@', [
    'ab5ebf8d273b085b6a60336198e0a5a2090fdc3e0606a678315c7274ab06e046:5PiKJRn28bBKoFMopMaaKuV47aJ6GzVg:3_32_2_67108864',
  ]),
]

const QUOTED = `  it's "quoted\\" \t`

/** The first `$P$` is from test.php of phpass. Those for `hashcat` are from hashcat's list, the others from PHP 8.2. */
const CONTENT_SYSTEMS = [
  ...vectors(null, 'test12345', ['$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0']),
  ...vectors(null, 'hashcat', [
    '$P$984478476IagS59wHZvyQMArzfx58u.',
    '$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf',
  ]),
  ...vectors('phpass', PASSWORD, [
    '$P$BabcdefghOYsn9tY2PhvYxll1026XJ1',
    '$H$9abcdefgh1paV9TWqVKrvIes2MCRYi0',
  ]),
  ...vectors('wordpress', PASSWORD, [
    '$P$BabcdefghOYsn9tY2PhvYxll1026XJ1',
    '$wp$2y$05$1.uKI9ywhaqhRi2UwyeqW.Je6/g4aNrey1eyO1MpE/okdrYt4WuEa',
    '2c4cddcba2f52bcb2e236ba98cad052b',
  ]),
  // WordPress adds a backslash before quotes and backslashes, and trims.
  ...vectors('wordpress', QUOTED, [
    '$wp$2y$05$CqfsQ4BMBXHD8WHZrJCzQ.ITrGbeV8MBGOEOKSfrM/Gqct04DjQ8W',
    '$P$BabcdefghBrDjazC.3pQTBI43qpIV..',
  ]),
  // Drupal and PrestaShop trim.
  ...vectors('drupal', ` ${PASSWORD}\t`, [
    '$S$DabcdXYZ99T5IKGvKoXCziz5T0xMg4Hc779QDr4V1VXfd.oCZz1u',
    'U$S$9abcdXYZ9E9xaBbvccovc/yyGoEj/JJJXu.6nnioIyUCSy4Muf.d',
    '$2y$05$93sSKrhYAEYxGqhPhYCIR.qqdEBiEUMmMT/VIqZvNYX0x4OkQPsBC',
  ]),
  ...vectors('prestashop', `${PASSWORD} `, ['c3ef8b5a29dbf6575c335da01207e0bf']),
  ...vectors('wordpress', PASSWORD, ['$2y$05$93sSKrhYAEYxGqhPhYCIR.qqdEBiEUMmMT/VIqZvNYX0x4OkQPsBC']),
  // Longer than the 72 bytes of bcrypt.
  ...vectors(null, 'long password '.repeat(6), [
    '$wp$2y$05$e5pMHbbooE6fMN6jn2chDevlNT9xXXym6W2krGuvWjp/i4sLM.Gau',
  ]),
  ...vectors('drupal', PASSWORD, [
    '$S$DabcdXYZ99T5IKGvKoXCziz5T0xMg4Hc779QDr4V1VXfd.oCZz1u',
    '$S$EabcdXYZ9Iob16MZDu9X0sGHFfmVNDmPv37Tr5CY1VjJzQDs38q4',
    'U$S$9abcdXYZ9E9xaBbvccovc/yyGoEj/JJJXu.6nnioIyUCSy4Muf.d',
  ]),
  ...vectors('prestashop', PASSWORD, [
    'c3ef8b5a29dbf6575c335da01207e0bf',
    '$2y$05$93sSKrhYAEYxGqhPhYCIR.qqdEBiEUMmMT/VIqZvNYX0x4OkQPsBC',
  ]),
]

/** ASP.NET's for `my password` are from aspnetcore's PasswordHasherTest, Django's from Django 3.2, the others from PHP. */
const FRAMEWORKS = [
  ...vectors(null, PASSWORD, [
    'pbkdf2_sha256$20000$seaSALT123$EfS4iW41ASDoY7VPnI3WKtzzveTVOnYWFov/hYgaLAQ=',
    'pbkdf2_sha1$30000$seaSALT123$MCCAHY6HAkiJ7ol/Qd32JGV1b6I=',
    'argon2$argon2id$v=19$m=8192,t=2,p=8$c2VhU0FMVDEyM3h5eg$mAcdf8chSvLTaVDTagUWSA',
    'bcrypt_sha256$$2b$05$GWEFfku7.FdZgdSN6KcOzuzF9Qr8vO9vVTJKD52uYfO2CgRR1RNZy',
    'bcrypt$$2b$05$NXSIyIvPZxkGASArLWgTJOXz5bhIPC.Af5NiT59XmLV5bP3W0XM5C',
    'scrypt$16384$seaSALT123$8$1$gXH7dQRJFaQs2Ll8str9GoCl4+9Y5/VMh6XTnFtB0GhhatTtrqixrdyD2o5vuN2FQ2IXdSF11eyEPU/bhJs7UA==',
  ]),
  ...vectors(null, 'hashcat', [
    'pbkdf2_sha256$20000$H0dPx8NeajVu$GiC4k5kqbbR9qWBlsRgDywNqC2vd9kqfk7zdorEnNas=',
  ]),
  ...vectors('aspnet-identity', 'my password', [
    'AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==',
    'AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M',
    'AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw==',
    'AQAAAAIAACcQAAAAEAABAgMEBQYHCAkKCwwNDg9B0Oxwty+PGIDSp95gcCfzeDvA4sGapUIUov8usXfD6A==',
    'AQAAAAIAAYagAAAAEAABAgMEBQYHCAkKCwwNDg/Q8A0WMKbtHQJQ2DHCdoEeeFBrgNlldq6vH4qX/CGqGQ==',
  ]),
  ...vectors('aspnet-identity', PASSWORD, [
    'AQAAAAEAACcQAAAAEPDh0sO0pZaHeGlaSzwtHg8E7pujX1bF4Jo7PvT+O0sQ+2J58erMloTCgZ0I+ex6Tw==',
  ]),
  ...vectors('devise', PASSWORD, ['$2y$05$/L2d6kOlz9PuhzNx6sO4LeKIBCsp.5pE7gxtGOdKX0.kh1.4pF.gy']),
  ...vectors(null, PASSWORD, ['{bcrypt}$2y$05$93sSKrhYAEYxGqhPhYCIR.qqdEBiEUMmMT/VIqZvNYX0x4OkQPsBC']),
]

function keycloak(algorithm: string, hashIterations: number, value: string): HashVector {
  const secretData = JSON.stringify({ value, salt: 'ABEiM0RVZneImaq7zN3u/w==', additionalParameters: {} })
  const credentialData = JSON.stringify({ hashIterations, algorithm, additionalParameters: {} })
  const hash = JSON.stringify({ type: 'password', secretData, credentialData })
  return { scheme: 'keycloak', columns: { hash }, password: PASSWORD }
}

const KEYCLOAK_ARGON2 = {
  secretData: JSON.stringify({
    value: 'H8qolS/x8X2NDhMaU4G6zW/vDjxEoFOFyLIL4McvsRI=',
    salt: 'AAECAwQFBgcICQoLDA0ODw==',
    additionalParameters: {},
  }),
  credentialData: JSON.stringify({
    hashIterations: 5,
    algorithm: 'argon2',
    additionalParameters: {
      hashLength: ['32'],
      memory: ['7168'],
      type: ['id'],
      version: ['1.3'],
      parallelism: ['1'],
    },
  }),
}

/** Keycloak's are from PHP's hash_pbkdf2 and argon2-cffi. Firebase's is published at github.com/firebase/scrypt. */
const IDENTITY_SERVICES: HashVector[] = [
  keycloak(
    'pbkdf2',
    20_000,
    'APkAWnkqidsElRw8hEtG6iwNadn5/TxzG2llwC1XyFijHc1TwCOLb0x4Qh6PmhSllLqkoyh8brseJGoBk4OQdA==',
  ),
  keycloak(
    'pbkdf2-sha256',
    27_500,
    'ieWmJ1J3WJSd2HulJhjUcqagTSvJvQBhdhfUMo6h61tzmVuh3Z8z73C9KFEH9elYChajHqi6sDAqrL+k7wYzuQ==',
  ),
  keycloak(
    'pbkdf2-sha512',
    30_000,
    '4hNGb+sLdGF/6Ii1Qg2dXKmMeXH2aoE0IOJjZaClHTClcNJtjPt0BGUug/nVU2nVSrT48XSvWzfmdmAEqz4AnQ==',
  ),
  { scheme: 'keycloak', columns: { hash: JSON.stringify(KEYCLOAK_ARGON2) }, password: PASSWORD },
  {
    scheme: 'firebase-scrypt',
    columns: {
      hash: 'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
      salt: '42xEC+ixf3L2lw==',
      rounds: 8,
      memoryCost: 14,
      saltSeparator: 'Bw==',
    },
    password: 'user1password',
  },
]

/** Those for `hashcat` are from hashcat's list, the others from PHP's hash(). */
const DIRECTORIES = [
  ...vectors(null, 'hashcat', [
    '{SSHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng==',
    '{SSHA256}OZiz0cnQ5hgyel3Emh7NCbhBRCQ+HVBwYplQunHYnER7TLuV',
    '{SSHA512}ALtwKGBdRgD+U0fPAy31C28RyKYx7+a8kmfksccsOeLknLHv2DBXYI7TDnTolQMBuPkWDISgZr2cHfnNPFjGZTEyNDU4OTkw',
  ]),
  ...vectors(null, PASSWORD, [
    '{SMD5}LBh26d5I5MU7ZSgEfKqUTnNhbHRTQUxU',
    '{MD5}LEzdy6L1K8suI2upjK0FKw==',
    '{ssha}97p8wTFqFAB8J4PLv2yVHwGTqyNzYWx0U0FMVA==',
    '{SHA}72vqiPvFkZSga3WzD4vSKmNkFVY=',
    '{SHA256}bLXOyoWwMC/HtNOiMO0p3qyLHIPijExTqZPB2P4cV0Q=',
    '{SHA512}E8a3lYGh0eNE7JzXKK1PuZKMrtJWUmV60kI0b7CEatZZZRCsC6n3lW99tmqendmiHYCYHxJy2lpymNQzV9c+AA==',
  ]),
]

/** Digests in hexadecimal of the password, of `salt` and password, and of password and `salt`, from PHP's hash(). */
const HEX_DIGESTS = [
  ['md5', '2c4cddcba2f52bcb2e236ba98cad052b'],
  ['md5-salt-password', 'e901cabadc7f2716afc3f75efd269850'],
  ['md5-password-salt', '70788cf951c4b2e0e06e428229de3d04'],
  ['sha1', 'ef6bea88fbc59194a06b75b30f8bd22a63641556'],
  ['sha1-salt-password', '58c5103f0dd8f0a6f53a5751c87c05e7357f6a39'],
  ['sha1-password-salt', '0a9dc42af5a7f789da3e23bba0ede1d00e5e435e'],
  ['sha256', '6cb5ceca85b0302fc7b4d3a230ed29deac8b1c83e28c4c53a993c1d8fe1c5744'],
  ['sha256-salt-password', '18fd9986308e6449a9bf5585610e609bf7dbfe8cabf8961f030db532b1a4c416'],
  ['sha256-password-salt', '466E57B8BD0B6D7BFE446A1760E3C5B07E34C9D55E7A5BC0FCEEAECEE67E1C25'],
  [
    'sha512',
    '13c6b79581a1d1e344ec9cd728ad4fb9928caed25652657ad242346fb0846ad6596510ac0ba9f7956f7db66a9e9dd9a21d80981f1272da5a7298d43357d73e00',
  ],
  [
    'sha512-salt-password',
    '02550fb2ccfa9c7692cc422c848cbb3eb5fea968aa3849b47d406d63494fc014c155b8c8ce76896c69d9150da20dae69eeb21664e1cb3200c9a1e1aac8c59ce2',
  ],
  [
    'sha512-password-salt',
    'c31cb8cbf148a0d884d46c68917047bcd979ddb223493ed23a208ce755545135ce4c537b37496a23bbc3a5067863f812966225e26473f2968914c5e782d632d7',
  ],
].map(([scheme = '', hash = '']) => ({ scheme, columns: { hash, salt: 'salt' }, password: PASSWORD }))

/** passlib's are from passlib 1.7.4, Symfony's from PHP. The Argon2id text has padded base64. */
const TEXTS_AND_SYMFONY: HashVector[] = [
  ...vectors(null, PASSWORD, [
    '$pbkdf2$20000$MDEyMzQ1Njc4OWFiY2RlZg$i6dHaJLuAOaBe/V1BCnrQTM6cgs',
    '$pbkdf2-sha512$20000$MDEyMzQ1Njc4OWFiY2RlZg$ubwF3.cCyGVW5CuQgc51TsSNAqBc9WIsRoDlFXx5VGDgEHJ4jhxUaPupSlDZM5rpCuBROAF5Cg0/WsoZjB9PZQ',
    '$argon2id$v=19$m=7168,t=5,p=1$AAECAwQFBgcICQoLDA0ODw==$H8qolS/x8X2NDhMaU4G6zW/vDjxEoFOFyLIL4McvsRI=',
    '{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=7168,t=5,p=1$AAECAwQFBgcICQoLDA0ODw==$H8qolS/x8X2NDhMaU4G6zW/vDjxEoFOFyLIL4McvsRI=',
  ]),
  {
    scheme: 'symfony-sha512',
    columns: {
      hash: 'BMrRbI+Xj4jjP26KiSje3iHSUSzoK/m1ksTBXnzMJNH7MpyZdBawvvVApjjt23kEa6MAJDkk8CtDhd+kjFtygQ==',
      salt: 'k8sa2xq1',
    },
    password: PASSWORD,
  },
  {
    scheme: 'symfony-sha512',
    columns: { hash: '$2y$05$93sSKrhYAEYxGqhPhYCIR.qqdEBiEUMmMT/VIqZvNYX0x4OkQPsBC', salt: 'not used' },
    password: PASSWORD,
  },
]

export const HASH_VECTORS: readonly HashVector[] = [
  ...MAGENTO,
  ...CONTENT_SYSTEMS,
  ...FRAMEWORKS,
  ...IDENTITY_SERVICES,
  ...DIRECTORIES,
  ...HEX_DIGESTS,
  ...TEXTS_AND_SYMFONY,
]
