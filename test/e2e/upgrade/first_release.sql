-- Rows as the first version of the Worker wrote them, on the tables of migrations 0001 to 0007. `test/support/first_release.ts` replaces
-- each name in braces by a literal. Times are Unix seconds.

INSERT INTO clients (client_id, name, api, grants, scopes, origins, confidential, enabled, created_at, tokens_valid_from, version, updated_at, last_used_at)
VALUES
  ('shop', 'Shop', 'storefront', '["password","client_credentials"]', '["cart","orders","catalog"]', '["https://shop.example"]', 1, 1, {now} - 86400, 0, 2, {now} - 7200, {now} - 3600),
  ('shop-web', 'Shop in the browser', 'storefront', '["password"]', '["cart","catalog"]', '["https://www.shop.example"]', 0, 1, {now} - 86400, 0, 1, NULL, NULL),
  ('agency', 'Agency', 'storefront', '["client_credentials"]', '["catalog"]', '[]', 1, 0, {now} - 86400, {now} - 600, 3, {now} - 600, NULL),
  ('sallyport-cli', 'Sallyport command line', 'admin', '["password"]', '[]', '[]', 0, 1, {now} - 86400, 0, 1, NULL, NULL),
  ('sallyport-console', 'Sallyport console', 'admin', '["password"]', '[]', '[]', 0, 1, {now} - 86400, 0, 1, NULL, NULL);

INSERT INTO client_secrets (secret_hash, client_id, created_at, expires_at, secret_id, last_used_at)
VALUES
  ({shop_secret_hash}, 'shop', {now} - 7200, NULL, '0011223344556677', {now} - 3600),
  ({retired_secret_hash}, 'shop', {now} - 86400, {now} - 60, '8899aabbccddeeff', NULL),
  ({agency_secret_hash}, 'agency', {now} - 86400, NULL, NULL, NULL);

INSERT INTO users (id, pool, username, password_hash, enabled, roles, created_at, tokens_valid_from, version, updated_at, profile, must_change_password, breach_checked_at, password_breached)
VALUES
  ('user:ada', 'customers', 'ada@example.com', {password_hash}, 1, '[]', {now} - 86400, 0, 1, NULL, '{"name":"Ada Łovelace","email":"ada@example.com"}', 0, {now} - 3600, 0),
  ('user:bob', 'customers', 'bob@example.com', {imported_hash}, 1, '[]', {now} - 86400, 0, 1, NULL, '{}', 0, NULL, 0),
  ('user:carol', 'customers', 'carol@example.com', {password_hash}, 0, '[]', {now} - 86400, {now} - 600, 2, {now} - 600, '{}', 0, NULL, 0),
  ('user:dan', 'customers', 'dan@example.com', {password_hash}, 1, '[]', {now} - 86400, {now} - 600, 2, {now} - 600, '{}', 0, NULL, 0),
  ('user:root', 'operators', 'root', {password_hash}, 1, '["admin"]', {now} - 86400, 0, 1, NULL, '{}', 0, NULL, 0);

INSERT INTO signing_keys (kid, alg, public_jwk, sealed_private_jwk, created_at, activates_at, retires_at)
VALUES ({kid}, 'ES256', {public_jwk}, {sealed_private_jwk}, {now} - 86400, {now} - 86400, NULL);
INSERT INTO retired_keys (kid, alg, created_at, activates_at, retired_at, reason)
VALUES ('an-old-key', 'ES256', {now} - 9000000, {now} - 8900000, {now} - 86400, 'ended');

INSERT INTO sessions (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until, ended_at, end_reason)
VALUES
  ('s1.live', 'user:ada', 'shop', 'storefront', 3, {now} - 7200, {now} - 1800, {now} + 2590200, {now} + 2590200, NULL, NULL),
  ('s1.ended', 'user:ada', 'shop', 'storefront', 1, {now} - 7200, {now} - 1800, {now} + 2590200, {now} + 2590200, {now} - 900, 'revoked by its client'),
  ('s1.ended-early', 'user:ada', 'shop', 'storefront', 0, {now} - 1800, {now} - 900, {now} + 2590200, {now} + 2590200, {now} - 900, 'revoked by its client'),
  ('s1.dan', 'user:dan', 'shop', 'storefront', 1, {now} - 7200, {now} - 1800, {now} + 2590200, {now} + 2590200, NULL, NULL),
  ('s1.guest', 'visitor:0123456789abcdef', 'shop-web', 'storefront', 1, {now} - 1800, {now} - 1800, {now} + 2590200, {now} + 2590200, NULL, NULL);

INSERT INTO cutoffs (kind, value, before, reason, created_at)
VALUES
  ('sid', 's1.ended', {now} - 898, 'revoked by its client', {now} - 900),
  ('sid', 's1.ended-early', {now} - 898, 'revoked by its client', {now} - 900),
  ('sub', 'user:dan', {now} - 597, 'signed out by an operator', {now} - 600),
  ('client_id', 'agency', {now} - 597, 'disabled by an operator', {now} - 600),
  ('jti', 'a-revoked-token', {now} - 500, 'revoked by its client', {now} - 502);

INSERT INTO audit_events (at, kind, outcome, reason, api, client_id, subject, sid, address_prefix, actor, actor_client, change)
VALUES
  ({now} - 7200, 'issue', 'ok', 'password', 'storefront', 'shop', 'user:ada', 's1.live', '192.0.2.0/24', NULL, NULL, NULL),
  ({now} - 1800, 'refresh', 'ok', 'token 2 was exchanged for token 3', 'storefront', 'shop', 'user:ada', 's1.live', '192.0.2.0/24', NULL, NULL, NULL),
  ({now} - 1800, 'sign_in_failure', 'refused', 'wrong password', 'storefront', 'shop', 'user:ada', NULL, '2001:db8:1::/48', NULL, NULL, NULL),
  ({now} - 900, 'revoke', 'ok', 'revoked by its client', 'storefront', 'shop', 'user:ada', 's1.ended', '192.0.2.0/24', NULL, NULL, NULL),
  ({now} - 600, 'cut_off', 'ok', 'signed out by an operator', NULL, NULL, 'user:dan', NULL, NULL, 'user:root', 'sallyport-cli', '{"action":"sign_out"}'),
  ({now} - 86400, 'key', 'ok', 'made', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO sign_in_failures (kind, key, failures, locks, locked_until, expires_at)
VALUES
  ('client', 'shop', 3, 0, 0, {now} + 1800),
  ('address', 'an-address-of-the-past', 100, 1, {now} - 86400, {now} - 3600);
