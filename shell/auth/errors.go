package auth

import (
	"net/http"
	"strconv"

	"postern/shell/apierror"
)

// Codes of PostgREST's docs/references/errors, group 3.
const (
	codeNoSecret = "PGRST300"
	codeToken    = "PGRST301"
	codeNoToken  = "PGRST302"
	codeClaims   = "PGRST303"
)

var (
	errNoSecret = &apierror.Error{
		Status: http.StatusInternalServerError, Code: codeNoSecret,
		Message: "The server has no jwt-secret to verify tokens with",
	}
	errNoKeysYet = &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: codeNoSecret,
		Message: "The keys to verify tokens with have not been fetched yet",
	}
	errNoToken = &apierror.Error{
		Status: http.StatusUnauthorized, Code: codeNoToken,
		Message: "A token is needed: anonymous access is disabled", Challenge: "Bearer",
	}

	errEmptyToken = refused(codeToken, "The Authorization header holds an empty token", "")
	errEncoding   = refused(codeToken, "The token is not a valid JWT", "")
	errAlgorithm  = refused(codeToken, "The token's algorithm is not supported", "")
	errSignature  = refused(codeToken, "The token's signature does not verify", "")

	errExpired   = refused(codeClaims, "The token has expired", "")
	errRoleName  = refused(codeClaims, "The token's role is not a name that a role can have", "")
	errNotYet    = refused(codeClaims, "The token is not valid yet", "")
	errIssuedAt  = refused(codeClaims, "The token was issued in the future", "")
	errAudience  = refused(codeClaims, "The token is meant for another audience", "")
	errIssuer    = refused(codeClaims, "The token is from another issuer", "")
	errNotObject = refused(codeClaims, "The token's claims are not a JSON object", "")
	errExpType   = refused(codeClaims, "The claim 'exp' must be a number", "")
	errNbfType   = refused(codeClaims, "The claim 'nbf' must be a number", "")
	errIatType   = refused(codeClaims, "The claim 'iat' must be a number", "")
	errAudType   = refused(codeClaims, "The claim 'aud' must be a string or an array of strings", "")
	errCritical  = refused(codeToken, "The token is not a valid JWT",
		"Its header asks for extensions (crit) that are not supported")
	errNoKey = refused(codeToken, "No key suits the token",
		"None of the keys in jwt-secret has the token's kid and algorithm")
	errTokenLength = refused(codeToken, "The token is too long", "At most "+strconv.Itoa(maxToken)+" bytes are accepted")
	errTokenParts  = "A JWT has 3 parts, this one has "
)

// refused returns the error of a token that is refused. Its challenge (RFC 6750, 3.1) has the message, which holds no
// quotes.
func refused(code, message, details string) *apierror.Error {
	return &apierror.Error{
		Status: http.StatusUnauthorized, Code: code, Message: message, Details: details,
		Challenge: `Bearer error="invalid_token", error_description="` + message + `"`,
	}
}
