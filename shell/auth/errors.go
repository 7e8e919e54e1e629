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

	errEmptyToken = tokenFault("The Authorization header holds an empty token", "")
	errEncoding   = tokenFault("The token is not a valid JWT", "")
	errAlgorithm  = tokenFault("The token's algorithm is not supported", "")
	errSignature  = tokenFault("The token's signature does not verify", "")

	errExpired   = claimsFault("The token has expired")
	errRoleName  = claimsFault("The token's role is not a name that a role can have")
	errNotYet    = claimsFault("The token is not valid yet")
	errIssuedAt  = claimsFault("The token was issued in the future")
	errAudience  = claimsFault("The token is meant for another audience")
	errIssuer    = claimsFault("The token is from another issuer")
	errNotObject = claimsFault("The token's claims are not a JSON object")
	errExpType   = claimsFault("The claim 'exp' must be a number")
	errNbfType   = claimsFault("The claim 'nbf' must be a number")
	errIatType   = claimsFault("The claim 'iat' must be a number")
	errAudType   = claimsFault("The claim 'aud' must be a string or an array of strings")
	errCritical  = tokenFault("The token is not a valid JWT",
		"Its header asks for extensions (crit) that are not supported")
	errNoKey = tokenFault("No key suits the token",
		"None of the keys in jwt-secret has the token's kid and algorithm")
	errTokenLength = tokenFault("The token is too long", "At most "+strconv.Itoa(maxToken)+" bytes are accepted")
	errTokenParts  = "A JWT has 3 parts, this one has "
)

func tokenFault(message, details string) *apierror.Error {
	return &apierror.Error{
		Status: http.StatusUnauthorized, Code: codeToken,
		Message: message, Details: details, Challenge: challenge(message),
	}
}

func claimsFault(message string) *apierror.Error {
	return &apierror.Error{
		Status: http.StatusUnauthorized, Code: codeClaims,
		Message: message, Challenge: challenge(message),
	}
}

// challenge is the WWW-Authenticate value of a refused token (RFC 6750, 3.1). The messages hold no quotes.
func challenge(message string) string {
	return `Bearer error="invalid_token", error_description="` + message + `"`
}
