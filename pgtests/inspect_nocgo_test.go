//go:build !cgo

package pgtests

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// vocabulary is empty where there is no parser of PostgreSQL: statements are not inspected.
type vocabulary struct{}

func newVocabulary(testing.TB, *pgx.Conn, ...string) *vocabulary { return nil }

func (*vocabulary) inspect(*testing.T, request, string, map[string]bool) {}
