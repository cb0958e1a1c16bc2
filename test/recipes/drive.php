<?php
// Runs one function of a recipe: php drive.php <function> <arguments as JSON> <file of the shop's links and mails>
foreach (['registration', 'forgotten_password', 'change_of_email'] as $recipe) {
    require __DIR__ . "/../../docs/recipes/$recipe.php";
}

[, $function, $arguments, $file] = $argv;
$shop = new class ($file) {
    public array $state;

    public function __construct(private string $file)
    {
        $this->state = json_decode(file_get_contents($file), true);
    }

    public function putLink(array $link): void
    {
        $this->state['links'][$link['hash']] = $link;
    }

    public function takeLink(string $hash): ?array
    {
        $link = $this->state['links'][$hash] ?? null;
        unset($this->state['links'][$hash]);
        return $link;
    }

    public function sendMail(string $to, string $text): void
    {
        $this->state['mails'][] = ['to' => $to, 'text' => $text];
    }
};
try {
    $result = $function(...json_decode($arguments, true), ...[$shop]);
} catch (Throwable $error) {
    $result = ['thrown' => $error->getMessage()];
}
file_put_contents($file, json_encode($shop->state));
echo json_encode($result);
