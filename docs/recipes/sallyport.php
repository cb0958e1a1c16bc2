<?php
// The admin API with the token of a service account. It needs the scopes users:read and users:write.

/** Sends a request without curl. Returns status, etag and body. */
function send(string $method, string $url, array $headers, string $content): array
{
    $http = ['method' => $method, 'header' => $headers, 'content' => $content, 'ignore_errors' => true, 'timeout' => 10];
    $text = @file_get_contents($url, false, stream_context_create(['http' => $http + ['follow_location' => 0]]));
    if ($text === false) throw new RuntimeException('Sallyport gave no response');
    preg_match('/^ETag: (.*)$/mi', implode("\n", $http_response_header), $etag);
    $status = (int) explode(' ', $http_response_header[0])[1];
    return ['status' => $status, 'etag' => trim($etag[1] ?? ''), 'body' => json_decode($text, true)];
}

function postForm(string $path, string $id, string $secret, array $fields): array
{
    $headers = ['Authorization: Basic ' . base64_encode("$id:$secret"), 'Content-Type: application/x-www-form-urlencoded'];
    return send('POST', getenv('SALLYPORT') . $path, $headers, http_build_query($fields));
}

function requestToken(): string
{
    $fields = ['grant_type' => 'client_credentials'];
    $response = postForm('/oauth2-token', getenv('ACCOUNT'), getenv('ACCOUNT_SECRET'), $fields);
    if ($response['status'] !== 200) throw new RuntimeException("Sallyport refused the service account: {$response['status']}");
    return $response['body']['access_token'];
}

/** Calls the admin API. A revoked or expired token is replaced once. Other processes can share the token in APCu or Redis. */
function admin(string $method, string $path, ?array $body = null, ?string $etag = null): array
{
    static $token = null;
    foreach ([false, true] as $isLast) {
        $token ??= requestToken();
        $headers = ["Authorization: Bearer $token", 'Content-Type: application/json'];
        if ($etag !== null) $headers[] = "If-Match: $etag";
        $content = $body === null ? '' : json_encode($body);
        $response = send($method, getenv('SALLYPORT') . "/admin/api$path", $headers, $content);
        if ($response['status'] === 401 && !$isLast) $token = null;
        elseif (in_array($response['status'], [401, 403, 429]) || $response['status'] >= 500) {
            throw new RuntimeException("Sallyport refused the request: {$response['status']}");
        } else return $response;
    }
}

/** The customer with this username; null if no customer has it. */
function findCustomer(string $username): ?array
{
    return admin('GET', '/users?pool=customers&username=' . rawurlencode($username))['body']['items'][0] ?? null;
}

/** Whether a customer knows the password. The sign-in limits of Sallyport count wrong ones. */
function checkPassword(string $username, string $password): bool
{
    $fields = ['grant_type' => 'password', 'username' => $username, 'password' => $password];
    return postForm('/oauth2-token', getenv('SHOP'), getenv('SHOP_SECRET'), $fields)['status'] === 200;
}
