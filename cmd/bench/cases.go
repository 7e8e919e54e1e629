package main

import (
	"fmt"
	"strconv"
	"strings"
)

// call is one request, as one kind of server wants it.
type call struct {
	method string
	target string // path and query
	prefer string // the header Prefer; empty for none
	body   string // JSON; empty for none
}

// benchCase is what is asked of every server.
type benchCase struct {
	name     string
	title    string
	writes   bool   // the table visits is put back after each round
	differs  string // a field that is different in each answer
	requests int    // how many different requests there are
	postern  func(n int) call
	hand     func(n int) call
}

// The rows of the demo that the cases choose from.
const (
	authorCount = 2000
	visitCount  = 10000
	bulkRows    = 1000
)

const representation = "return=representation"

var cases = []benchCase{
	{
		name: "row", title: "one row by primary key", requests: authorCount,
		postern: func(n int) call { return call{method: "GET", target: "/authors?id=eq." + strconv.Itoa(n+1)} },
		hand:    func(n int) call { return call{method: "GET", target: "/authors/" + strconv.Itoa(n+1)} },
	},
	{
		name: "rows", title: "100 rows", requests: 19,
		postern: func(n int) call {
			return call{method: "GET", target: fmt.Sprintf("/authors?id=gt.%d&order=id&limit=100", n*100)}
		},
		hand: func(n int) call {
			return call{method: "GET", target: fmt.Sprintf("/authors?after=%d&limit=100", n*100)}
		},
	},
	{
		name: "embed", title: "25 parents, each with its 7 children", requests: 1,
		postern: func(int) call {
			return call{method: "GET", target: "/shops?select=id,name,city,employees(id,name,job)&order=id&employees.order=id"}
		},
		hand: func(int) call { return call{method: "GET", target: "/shops"} },
	},
	{
		name: "insert", title: "insert one row, return it", writes: true, differs: "id", requests: 1000,
		postern: func(n int) call {
			return call{method: "POST", target: "/visits?select=id,shop_id,visitors,note", prefer: representation, body: visit(n)}
		},
		hand: func(n int) call { return call{method: "POST", target: "/visits", body: visit(n)} },
	},
	{
		name: "update", title: "update one row, return it", writes: true, requests: visitCount,
		postern: func(n int) call {
			return call{
				method: "PATCH", target: fmt.Sprintf("/visits?id=eq.%d&select=id,shop_id,visitors,note", spread(n)+1),
				prefer: representation, body: fmt.Sprintf(`{"visitors":%d}`, n%300),
			}
		},
		hand: func(n int) call {
			return call{method: "PATCH", target: "/visits/" + strconv.Itoa(spread(n)+1), body: fmt.Sprintf(`{"visitors":%d}`, n%300)}
		},
	},
	{
		name: "rpc", title: "call of a scalar function", requests: 1000,
		postern: callReadingTime,
		hand:    callReadingTime,
	},
	{
		name: "bulk", title: "insert 1,000 rows", writes: true, requests: 4,
		postern: func(n int) call {
			return call{method: "POST", target: "/visits", prefer: "return=minimal", body: visits(n)}
		},
		hand: func(n int) call { return call{method: "POST", target: "/visits/bulk", body: visits(n)} },
	},
}

func caseNames() []string {
	names := make([]string, len(cases))
	for i, c := range cases {
		names[i] = c.name
	}
	return names
}

func callReadingTime(n int) call {
	return call{method: "POST", target: "/rpc/reading_time", body: fmt.Sprintf(`{"pages":%d}`, 40+n)}
}

// spread puts neighbours far from each other in the table: 7919 has no divisor in common with its number of rows.
func spread(n int) int { return n * 7919 % visitCount }

func visit(n int) string {
	return fmt.Sprintf(`{"shop_id":%d,"visitors":%d,"note":"door %d"}`, 1+n%25, n%300, n)
}

func visits(n int) string {
	rows := make([]string, bulkRows)
	for i := range rows {
		rows[i] = visit(n*bulkRows + i)
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// encode writes a call as an HTTP/1.1 request.
func (c call) encode(token string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nAccept: application/json\r\n", c.method, c.target, token)
	if c.prefer != "" {
		fmt.Fprintf(&b, "Prefer: %s\r\n", c.prefer)
	}
	if c.body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(c.body))
	}
	return []byte(b.String() + "\r\n" + c.body)
}

// request is the case's request of a number, as one kind of server wants it.
func (c benchCase) request(hand bool, n int, token string) []byte {
	if hand {
		return c.hand(n).encode(token)
	}
	return c.postern(n).encode(token)
}

// allRequests are the case's requests in the order of their numbers.
func (c benchCase) allRequests(hand bool, token string) [][]byte {
	result := make([][]byte, c.requests)
	for n := range result {
		result[n] = c.request(hand, n, token)
	}
	return result
}
