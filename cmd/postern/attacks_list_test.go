package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A listed attack is tried by rows of the tables injections, bombs, rights and beyond that have its id, or in a file that has a text.
type listed struct {
	id, what string
	places   []place
}

type place struct{ file, text string }

const (
	inTokens   = "attack_test.go"
	inAuth     = "../../shell/auth/auth_test.go"
	inRemote   = "../../shell/auth/remote_test.go"
	inLife     = "attacks_life_test.go"
	inPayloads = "attacks_payload_test.go"
	inSessions = "../../pgtests/left_behind_test.go"
	inHelpers  = "../../pgtests/harmless_test.go"
	inRules    = "../../pgtests/lint_test.go"
	inHTTP     = "e2e_http_attack_test.go"
	inAPI      = "e2e_api_test.go"
)

// attackLists are the lists of attacks, and how many each has.
var attackLists = map[string]int{"A": 10, "J": 9, "I": 14, "S": 9, "P": 10, "D": 12, "H": 10, "L": 6, "B": 7}

// attackList is what postern is attacked with: by advisories on software of its kind (A), by tokens (J), by text that comes near SQL
// (I), by code that leaves something in a session (S), on privileges (P), by work without end (D), by HTTP (H), by what happens to the
// database meanwhile (L), and where PostgREST has nothing (B).
var attackList = []listed{
	{"A1", "SQL in path segments, select and headers (CVE-2025-58450)", nil},
	{"A2", "a path that passes a check and means something else: no path is exempt from the token and the role", []place{{inHTTP, "an encoded slash"}, {"e2e_life_test.go", "anonymous off"}}},
	{"A3", "what is cached without the identity leaks to others", []place{{inAPI, `"Bo's"`}, {"e2e_isolation_test.go", "10,000 requests of 50 roles"}}},
	{"A4", "secrets in logs", []place{{"attacks_test.go", "A4"}}},
	{"A5", "bulk requests that forget the check of each item (CVE-2022-46792)", []place{{"attacks_limits_test.go", `id: "P8"`}}},
	{"A6", "tokens with parts without end (CVE-2025-30204)", []place{{inTokens, "10,000 parts"}}},
	{"A7", "tokens that are remembered outlive their secret", []place{{"e2e_roles_test.go", "the end of the secret"}}},
	{"A8", "the configuration shows secrets", []place{{"e2e_life_test.go", `"/config"`}}},
	{"A9", "details of errors show rows", nil},
	{"A10", "input is reflected in Content-Location", []place{{inLife, "Content-Location"}}},

	{"J1", "exp, nbf and iat with 30 seconds of skew", []place{{inAuth, "at+31"}, {inTokens, "expired 31 s ago"}, {inTokens, "iat in a minute"}}},
	{"J2", "aud of any shape", []place{{inTokens, "aud of nobody"}, {inTokens, "aud is nested"}}},
	{"J3", "times that are no numbers, huge or fractional", []place{{inTokens, "exp beyond numbers"}, {"differences_test.go", "Times may have fractions."}}},
	{"J4", "kid unknown, missing, hostile", []place{{inTokens, "kid that no key has"}, {inTokens, "RS512 by any key"}}},
	{"J5", "other than three parts, an empty token, cases of Bearer", []place{{inTokens, "four parts"}, {inTokens, `{"empty", "", noToken}`}, {inTokens, "bEARER"}}},
	{"J6", "the algorithm is the key's: none, confusion, key_ops, short secrets", []place{{inTokens, "alg nOnE"}, {inTokens, "the public key as secret"}, {inTokens, "a key for wrapping"}, {inTokens, "at least 32 characters"}, {"../../shell/config/config_test.go", "base64 secret padded"}}},
	{"J7", "roles of any type and name", []place{{inTokens, "func testRoleAttacks"}, {inAuth, "func TestRolePaths"}}},
	{"J8", "the cache of tokens: bounded, times checked anew, no failures kept", []place{{inAuth, "func TestCachedTokenExpires"}, {inAuth, "func TestCacheCounters"}, {"e2e_roles_test.go", "also for tokens that are remembered"}}},
	{"J9", "the URL of keys: https, sizes, timeouts, redirects, storms of unknown kids", []place{{inRemote, "func TestRemoteLeadsAstray"}, {inRemote, "func TestRemoteUnknownKid"}, {inRemote, "func TestRemoteHangs"}}},

	{"I1", "names of tables, functions and schemas", nil},
	{"I2", "select: columns, aliases, casts, paths, hints, spreads, aggregates", nil},
	{"I3", "filters: columns, operators, quantifiers, configurations, lists, literals", nil},
	{"I4", "order, limit, offset", nil},
	{"I5", "columns, on_conflict, keys of a body", nil},
	{"I6", "preferences", nil},
	{"I7", "arguments of functions", nil},
	{"I8", "headers of CSV", nil},
	{"I9", "media types and their parameters", nil},
	{"I10", "roles and claims", []place{{inTokens, "a claim named as a setting"}, {inTokens, `e2e_user'; drop table`}, {inAPI, "claims are text"}}},
	{"I11", "backslashes where standard_conforming_strings is off", []place{{inPayloads, "func testBackslashes"}}},
	{"I12", "what format() and RAISE read", nil},
	{"I13", "names, labels and comments in the catalog", []place{{"../../pgtests/setup.sql", "drop table films--%s"}}},
	{"I14", "sqlmap's payloads in every place", []place{{inPayloads, "func testPayloads"}}},

	{"S1", "RESET ROLE and SET ROLE", []place{{inSessions, "the authenticator's role"}, {inLife, "set local role none"}}},
	{"S2", "settings for the session", []place{{inSessions, "a search path"}, {inSessions, "func TestEveryRequestHasItsOwn"}, {"e2e_isolation_test.go", "request.jwt.claims"}}},
	{"S3", "temporary tables, types and functions with names of others", []place{{inSessions, "temporary types"}, {inRules, "search path without schemas of users"}}},
	{"S4", "prepared statements, cursors, locks, channels", []place{{inSessions, "a statement of ours"}, {inSessions, "an advisory lock"}, {"../../pgtests/restored_test.go", "leave_name"}}},
	{"S5", "code that ends its transaction", []place{{inLife, `id: "S5"`}}},
	{"S6", "errors in the middle", []place{{inSessions, "whether it fails"}, {"e2e_transaction_test.go", "note_and_raise"}}},
	{"S7", "settings are empty, not null, after their transaction", []place{{inLife, `id: "S7"`}}},
	{"S8", "answers of others after a cancel", []place{{inLife, "func testCancelStorm"}}},
	{"S9", "parallel workers", []place{{inLife, "rows_of?select=count()"}}},

	{"P1", "functions that run with the rights of others", []place{{inHelpers, "func TestHelpersAreHarmless"}, {inRules, "only what writes the epoch"}}},
	{"P2", "an authenticator that owns or creates", []place{{inRules, "create nothing in it"}, {"e2e_setup_test.go", "login noinherit"}}},
	{"P3", "functions and operators with our names on the path", []place{{inRules, "search path without schemas of users"}}},
	{"P4", "functions that anybody may call", []place{{inHelpers, "func TestHelpersAreHarmless"}}},
	{"P5", "postern as an exposed schema", []place{{"../../shell/config/config_test.go", "PGRST_DB_SCHEMAS=postern"}}},
	{"P6", "row security, column grants, views, leaky functions", nil},
	{"P7", "deferred triggers run as the role, and their errors are answered", nil},
	{"P8", "each of many rows is checked", nil},
	{"P9", "the same request of users with other claims", []place{{inAPI, `"Bo's"`}}},
	{"P10", "hints, OPTIONS and descriptions tell of what the role may see", []place{{"differences_test.go", "/secret"}}},

	{"D1", "nesting", []place{{"../../pgtests/handle_limits.sql", "repeat('(and', 64)"}}},
	{"D2", "length", []place{{"../../pgtests/handle_limits.sql", "repeat(',2', 100000)"}}},
	{"D3", "patterns and searches", []place{{"e2e_roles_test.go", "e2e_hurried"}}},
	{"D4", "shapes without end", []place{{inLife, "func testManyShapes"}, {"../../shell/statement/cache_test.go", "func TestCacheIsBounded"}}},
	{"D5", "rows without end", []place{{inLife, "func testManyRows"}}},
	{"D6", "bodies: length, depth, keys, numbers, surrogates", []place{{"e2e_body_test.go", "PGRST_SERVER_MAX_BODY_SIZE"}}},
	{"D7", "slow clients", []place{{inLife, "func testSlowClients"}}},
	{"D8", "clients that go away", []place{{inLife, "func testCancelStorm"}, {"e2e_transport_test.go", "func testGoneClients"}}},
	{"D9", "no connection left", []place{{inLife, "func testExhaustion"}}},
	{"D10", "notifications by thousands", []place{{inLife, "func testNotifyStorm"}}},
	{"D11", "hints among very many relations", []place{{inLife, "func testManyRelations"}}},
	{"D12", "descriptions of very many relations", []place{{inLife, "func testManyRelations"}, {"describe_test.go", "func TestDescriptionTime"}}},

	{"H1", "response.headers and response.status", []place{{inLife, "func testOwnHeaders"}, {inAPI, `"1000", "-200"`}}},
	{"H2", "Location and Content-Location of data", []place{{inLife, "return=headers-only"}}},
	{"H3", "smuggling, forms of the target", []place{{inHTTP, "length and chunks"}, {inHTTP, "absolute form"}}},
	{"H4", "Host and X-Forwarded-Host in the description", []place{{inLife, "X-Forwarded-Host"}}},
	{"H5", "headers and cookies as settings", nil},
	{"H6", "CORS", []place{{inLife, "https://evil.example"}, {"../../shell/response_test.go", "func TestCORS"}}},
	{"H7", "answers without a body", []place{{inLife, "H7"}, {"../../shell/response_test.go", "func TestResponseWithoutBody"}}},
	{"H8", "negotiation", nil},
	{"H9", "errors are JSON, whatever they tell of", []place{{"../../pgtests/fuzz_test.go", "func wrong"}}},
	{"H10", "the admin server on the API's port", []place{{"e2e_life_test.go", "the API's port serves the admin server"}}},

	{"L1", "DDL that is open beside requests", []place{{"../../pgtests/session_test.go", "func TestOpenDDLBlocksNobody"}, {"../../pgtests/race_test.go", "func TestRaces"}}},
	{"L2", "a table that changes between prepare and execute", []place{{inAPI, "alter column words type int"}, {"../../pgtests/race_test.go", "alter column n type text"}}},
	{"L3", "functions replaced, removed and installed while requests run", []place{{inLife, `"L3"`}}},
	{"L4", "a dump, restored", []place{{inLife, `"L4"`}}},
	{"L5", "serialization failures and deadlocks are told, writes are not done twice", []place{{"e2e_transaction_test.go", "serialization failure"}, {"../../pgtests/session_test.go", "func TestLocksAreAnswered"}, {"e2e_life_test.go", "is not done twice"}}},
	{"L6", "the server killed, sessions terminated, a role dropped", []place{{inLife, `"L6"`}, {"e2e_life_test.go", "lost connections"}}},

	{"B1", "tokens of cursors", nil},
	{"B2", "queries in the body of a QUERY", nil},
	{"B3", "operations of batches, and what they refer to", []place{{"e2e_batch_test.go", `"a parent and its children"`}, {"e2e_batch_bounds_test.go", "PGRST_SERVER_MAX_BYTES_IN_FLIGHT"}}},
	{"B4", "rows on lines, rows by their key, rows of embeds", []place{{"e2e_bulk_test.go", "too long"}}},
	{"B5", "entity tags", nil},
	{"B6", "conditions on aggregates, distinct rows", nil},
	{"B7", "time and standbys asked for", nil},
}

// Each attack of the lists has a case.
func TestAttackList(t *testing.T) {
	t.Parallel()
	rows := make(map[string]int)
	for _, one := range slices.Concat(injections, bombs, rights, beyond) {
		rows[one.id]++
	}
	found := make(map[string]bool)
	for _, one := range attackList {
		if found[one.id] || len(one.places)+rows[one.id] == 0 {
			t.Errorf("%s (%s) is there twice, or has no case", one.id, one.what)
		}
		found[one.id] = true
		delete(rows, one.id)
		for _, in := range one.places {
			if !strings.Contains(readText(t, in.file), in.text) {
				t.Errorf("%s (%s): %s has no %q", one.id, one.what, in.file, in.text)
			}
		}
	}
	for list, length := range attackLists {
		for n := range length {
			if id := fmt.Sprint(list, n+1); !found[id] {
				t.Errorf("%s has no case", id)
			}
		}
	}
	if len(rows) > 0 {
		t.Errorf("not in the list: %v", rows)
	}
}
