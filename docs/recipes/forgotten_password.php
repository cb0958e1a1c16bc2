<?php
require_once __DIR__ . '/links.php';
require_once __DIR__ . '/sallyport.php';

/** Call this after the response "If you have an account, we have sent you an e-mail", which is the same for every address. */
function startReset(string $email, object $shop): void
{
    $user = findCustomer($email);
    if ($user === null || !$user['enabled'] || !isset($user['profile']['email'])) return;
    $data = ['id' => $user['id'], 'validFrom' => $user['tokens_valid_from']];
    $token = makeLink($shop, 'reset', $data, 900);
    $shop->sendMail($user['profile']['email'], "Choose a new password: https://shop.example.com/reset#$token");
}

/** The customer sends the form behind the link. A refused password gets the token of a new link for the form. */
function finishReset(string $token, string $password, object $shop): array
{
    $address = '';
    $result = useLink($shop, 'reset', $token, function (array $link) use ($password, $shop, &$address) {
        ['body' => $user, 'etag' => $etag] = admin('GET', "/users/{$link['id']}");
        // A newer password, a sign-out everywhere or a disable makes older links useless.
        $isCurrent = ($user['enabled'] ?? false) && $user['tokens_valid_from'] === $link['validFrom'];
        if (!$isCurrent) return ['status' => 'expired'];
        $address = $user['profile']['email'];
        $response = admin('POST', "/users/{$link['id']}/password", ['password' => $password], $etag);
        if ($response['status'] === 200) return ['status' => 'changed'];
        if ($response['status'] !== 422) return ['status' => 'expired'];
        $again = makeLink($shop, 'reset', $link, 600);
        return ['status' => 'refused', 'problems' => $response['body']['errors'], 'token' => $again];
    }) ?? ['status' => 'expired'];
    if ($result['status'] === 'changed')
        $shop->sendMail($address, 'Your password was changed, and every device was signed out.');
    return $result;
}
