package cut

import "strings"

// IsCall reports whether a raw path is that of a function: its first segment, decoded, is rpc, and there is another.
func IsCall(path string) bool {
	if strings.HasPrefix(path, "/rpc/") {
		return true
	}
	first, _, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return more && len(first) <= len("%72%70%63") && compareDecoded(first, "rpc") == 0
}
