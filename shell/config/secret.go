package config

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"postern/shell/auth"
)

// readSecret turns jwt-secret into keys: read from the file behind @, decoded if it is base64. A URL is only looked at.
func (c *Config) readSecret() (err error) {
	if c.JWTSecret == "" {
		return nil
	}
	if path, ok := strings.CutPrefix(c.JWTSecret, "@"); ok {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c.JWTSecret = strings.TrimSuffix(string(content), "\n")
	}
	if auth.IsURL(c.JWTSecret) {
		c.JWTSecret = strings.TrimSpace(c.JWTSecret)
		return auth.CheckURL(c.JWTSecret, c.JWTSecretAllowHTTP)
	}
	if c.JWTSecretIsBase64 {
		if c.JWTSecret, err = decodeBase64(c.JWTSecret); err != nil {
			return fmt.Errorf("it is not base64: %w", err)
		}
	}
	c.Keys, err = auth.ParseKeys([]byte(c.JWTSecret))
	return err
}

// decodeBase64 reads padded base64 and base64url (RFC 4648, 4 and 5), and PostgREST's variant that pads with dots.
func decodeBase64(text string) (string, error) {
	text = strings.NewReplacer("-", "+", "_", "/", ".", "=").Replace(strings.TrimSpace(text))
	plain, err := base64.StdEncoding.DecodeString(text)
	return string(plain), err
}
