<?php
// One-time links. The shop's database has only the hash of each link, so that a copy of the database opens no account.

/** Makes the token of a link for one purpose. `$data` is what the link may change. */
function makeLink(object $shop, string $purpose, array $data, int $seconds): string
{
    $token = rtrim(strtr(base64_encode(random_bytes(32)), '+/', '-_'), '=');
    $hash = hash('sha256', $token);
    $shop->putLink(['hash' => $hash, 'purpose' => $purpose, 'data' => $data, 'expiresAt' => time() + $seconds]);
    return $token;
}

/**
 * Uses a link up and returns the result of `$work($data)`; null if the link is unknown, used or expired, or has another purpose. If
 * `$work` throws, such as after a 503, the shop keeps the link, and the customer can send the form again.
 */
function useLink(object $shop, string $purpose, string $token, callable $work): ?array
{
    $link = $shop->takeLink(hash('sha256', $token));
    if ($link === null || $link['purpose'] !== $purpose || $link['expiresAt'] <= time()) return null;
    try {
        return $work($link['data']);
    } catch (Throwable $error) {
        $shop->putLink($link);
        throw $error;
    }
}
