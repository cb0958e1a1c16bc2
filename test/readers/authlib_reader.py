"""Reads the service with Authlib: usage authlib_reader.py ISSUER AUDIENCE TOKEN."""

import json
import os
import sys
from urllib.request import urlopen

# The tests have no certificate.
os.environ['AUTHLIB_INSECURE_TRANSPORT'] = '1'

import authlib
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oidc.discovery import OpenIDProviderMetadata
from authlib.oidc.discovery import get_well_known_url as get_openid_url

issuer, audience, token = sys.argv[1:]


def read(url):
    with urlopen(url) as response:
        return json.load(response)


metadata = read(get_well_known_url(issuer, external=True))
AuthorizationServerMetadata(metadata).validate()

openid = OpenIDProviderMetadata(read(get_openid_url(issuer, external=True)))
refusals = []
for member in OpenIDProviderMetadata.REGISTRY_KEYS:
    try:
        getattr(openid, f'validate_{member}')()
    except ValueError as refusal:
        refusals.append(str(refusal))

keys = JsonWebKey.import_key_set(read(metadata['jwks_uri']))
wanted = {'iss': {'essential': True, 'value': issuer}, 'aud': {'essential': True, 'value': audience}}
algorithms = metadata['id_token_signing_alg_values_supported']
claims = JsonWebToken(algorithms).decode(token, keys, claims_options=wanted)
claims.validate()
print(json.dumps({'subject': claims['sub'], 'refusals': refusals, 'version': authlib.__version__}))
