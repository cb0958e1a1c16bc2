// Reads the service with go-oidc: usage go_oidc_reader ISSUER AUDIENCE TOKEN.
// Prints the claims that go-oidc verified, and the algorithms that the discovery document lists.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"

	oidc "github.com/coreos/go-oidc"
)

func main() {
	issuer, audience, token := os.Args[1], os.Args[2], os.Args[3]
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		log.Fatal(err)
	}
	var metadata struct {
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := provider.Claims(&metadata); err != nil {
		log.Fatal(err)
	}
	config := oidc.Config{ClientID: audience, SupportedSigningAlgs: metadata.Algorithms}
	verified, err := provider.Verifier(&config).Verify(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"algorithms":     metadata.Algorithms,
		"subject":        verified.Subject,
		"token_endpoint": provider.Endpoint().TokenURL,
	})
}
