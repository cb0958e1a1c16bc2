"""Reads the service with PyJWT: usage pyjwt_reader.py ISSUER AUDIENCE TOKEN."""

import json
import sys
from urllib.request import urlopen

import jwt

issuer, audience, token = sys.argv[1:]


def read(name):
    with urlopen(f'{issuer}/.well-known/{name}') as response:
        return json.load(response)


documents = [read('oauth-authorization-server'), read('openid-configuration')]
assert documents[0] == documents[1]
metadata = documents[0]
keys = jwt.PyJWKClient(metadata['jwks_uri'])
claims = jwt.decode(
    token,
    keys.get_signing_key_from_jwt(token).key,
    algorithms=metadata['id_token_signing_alg_values_supported'],
    issuer=issuer,
    audience=audience,
    options={'require': ['exp', 'iat', 'iss', 'aud', 'sub']},
)
print(json.dumps({'subject': claims['sub'], 'version': jwt.__version__}))
