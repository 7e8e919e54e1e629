package config

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"postern/shell/auth"
)

// readSecret turns jwt-secret into keys: read from a file if it starts with @, then decoded if it is base64. A URL is
// only looked at.
func (c *Config) readSecret() error {
	if c.JWTSecret == "" {
		return nil
	}
	if path, ok := strings.CutPrefix(c.JWTSecret, "@"); ok {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("setting jwt-secret: %w", err)
		}
		c.JWTSecret = strings.TrimSuffix(string(content), "\n")
	}
	if auth.IsURL(c.JWTSecret) {
		c.JWTSecret = strings.TrimSpace(c.JWTSecret)
		if err := auth.CheckURL(c.JWTSecret, c.JWTSecretAllowHTTP); err != nil {
			return fmt.Errorf("setting jwt-secret: %w", err)
		}
		return nil
	}
	if c.JWTSecretIsBase64 {
		plain, err := decodeBase64(c.JWTSecret)
		if err != nil {
			return fmt.Errorf("setting jwt-secret: it is not base64: %w", err)
		}
		c.JWTSecret = plain
	}
	keys, err := auth.ParseKeys([]byte(c.JWTSecret))
	if err != nil {
		return fmt.Errorf("setting jwt-secret: %w", err)
	}
	c.Keys = keys
	return nil
}

// decodeBase64 reads base64 and base64url with padding (RFC 4648, 4 and 5), and PostgREST's variant that pads with
// dots.
func decodeBase64(text string) (string, error) {
	text = strings.NewReplacer("-", "+", "_", "/", ".", "=").Replace(strings.TrimSpace(text))
	plain, err := base64.StdEncoding.DecodeString(text)
	return string(plain), err
}
