<?php
require_once __DIR__ . '/links.php';
require_once __DIR__ . '/sallyport.php';

/** `$id` is the subject of a verified access token. False: the password is wrong. True says nothing about the address. */
function startChange(string $id, string $password, string $email, object $shop): bool
{
    $user = admin('GET', "/users/$id")['body'];
    if (!($user['enabled'] ?? false) || !checkPassword($user['username'], $password)) return false;
    if (findCustomer($email) !== null) {
        $shop->sendMail($email, 'This address already has an account, so it was not added to another account.');
        return true;
    }
    $data = ['id' => $id, 'email' => $email, 'validFrom' => $user['tokens_valid_from']];
    $token = makeLink($shop, 'change', $data, 3600);
    $shop->sendMail($email, "Confirm this address: https://shop.example.com/confirm#$token");
    return true;
}

/** The customer opens the link, which proves that the new address is theirs. */
function finishChange(string $token, object $shop): bool
{
    $change = useLink($shop, 'change', $token, function (array $link) {
        ['id' => $id, 'email' => $email, 'validFrom' => $validFrom] = $link;
        ['body' => $user, 'etag' => $etag] = admin('GET', "/users/$id");
        $isCurrent = ($user['enabled'] ?? false) && $user['tokens_valid_from'] === $validFrom;
        if (!$isCurrent) return null;
        $edit = ['username' => $email, 'profile' => ['email' => $email] + $user['profile']];
        $isChanged = admin('PATCH', "/users/$id", $edit, $etag)['status'] === 200;
        return $isChanged ? ['from' => $user['profile']['email'] ?? $user['username'], 'to' => $email] : null;
    });
    if ($change !== null) $shop->sendMail($change['from'], "Your address is now {$change['to']}.");
    return $change !== null;
}
