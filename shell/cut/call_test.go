package cut

import "testing"

func TestIsCall(t *testing.T) {
	for path, want := range map[string]bool{
		"/rpc/f": true, "/rpc/%66": true, "/%72pc/f": true, "/%72%70%63/f": true, "/r%70C/f": false, "/rpc/": true,
		"/rpc": false, "/%72pc": false, "/rpc%2Ff": false, "//rpc/f": false, "/rpcs/f": false, "/%2572pc/f": false, "/%7/f": false,
		"/": false, "": false, "*": false,
	} {
		if got := IsCall(path); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}
