package main

import (
	"fmt"
	"strings"
)

// A client's view of a server: which of the ways to ask a case it understands, and with what headers.
type dialect struct {
	hand    bool
	profile string // the schema that the requests name; empty for none
}

// requests returns the case's requests in the order of their numbers.
func (d dialect) requests(c benchCase, tokens tokens) [][]byte {
	result := make([][]byte, c.requests)
	for n := range result {
		result[n] = d.request(c, n, tokens)
	}
	return result
}

// request returns the case's request of a number, as HTTP/1.1.
func (d dialect) request(c benchCase, n int, tokens tokens) []byte {
	made, token := c.ask(n), tokens.hs256
	if c.rs256 {
		token = tokens.rs256
	}
	if d.hand {
		made.target, made.prefer = "/"+made.hand, ""
		if c.class != mixed {
			made.target = "/" + c.name + "?" + made.hand
		}
	}
	return made.encode(token, d.profile)
}

func (c call) encode(token, profile string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nAccept: application/json\r\n",
		c.method, c.target, token)
	if profile != "" {
		name := "Content-Profile"
		if c.method == "GET" || c.method == "HEAD" {
			name = "Accept-Profile"
		}
		fmt.Fprintf(&b, "%s: %s\r\n", name, profile)
	}
	if c.prefer != "" {
		fmt.Fprintf(&b, "Prefer: %s\r\n", c.prefer)
	}
	if c.match != "" {
		fmt.Fprintf(&b, "If-Match: %s\r\n", c.match)
	}
	if c.body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(c.body))
	}
	return []byte(b.String() + "\r\n" + c.body)
}
