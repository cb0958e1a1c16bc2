<?php
require_once __DIR__ . '/links.php';
require_once __DIR__ . '/sallyport.php';

/** Call this after the response "We have sent you an e-mail", which is the same for every address. */
function startRegistration(string $email, object $shop): void
{
    if (findCustomer($email) !== null) {
        $shop->sendMail($email, 'You already have an account. Sign in, or choose "Forgotten password".');
        return;
    }
    $token = makeLink($shop, 'registration', ['email' => $email], 3600);
    $shop->sendMail($email, "Choose your password: https://shop.example.com/register#$token");
}

/** The customer sends the form behind the link. A refused password gets the token of a new link for the form. */
function finishRegistration(string $token, string $password, string $name, object $shop): array
{
    return useLink($shop, 'registration', $token, function (array $link) use ($password, $name, $shop) {
        $profile = ['name' => $name, 'email' => $link['email']];
        $user = ['pool' => 'customers', 'username' => $link['email'], 'password' => $password, 'profile' => $profile];
        $response = admin('POST', '/users', $user);
        if ($response['status'] === 201) return ['status' => 'registered', 'id' => $response['body']['id']];
        if ($response['status'] !== 422) return ['status' => 'expired'];
        $again = makeLink($shop, 'registration', $link, 600);
        return ['status' => 'refused', 'problems' => $response['body']['errors'], 'token' => $again];
    }) ?? ['status' => 'expired'];
}
