package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A class says what a case must reach beside the hand-written servers.
type class struct {
	name   string
	wanted float64 // × hand
	weight int     // how often its cases stand in the mix
}

var (
	byKey  = class{"by key", 1.4, 4} // reads by key and functions
	page   = class{"page", 1.3, 2}   // pages and embeds
	write  = class{"write", 1.1, 1}
	mixed  = class{"mix", 1.1, 0}
	shapes = class{"shapes", 0, 0} // compared with fewer shapes
	wrong  = class{"error", 0, 0}  // compared with one row
)

// A call is one request: what postern is asked, and the query string that a hand-written server is asked the same by.
type call struct {
	method string
	target string // path and query
	hand   string
	prefer string // the header Prefer; empty for none
	match  string // the header If-Match; empty for none
	body   string // JSON; empty for none
}

// A benchCase is what is asked of every server.
type benchCase struct {
	name, title string
	class       class
	requests    int // how many different ones there are
	ask         func(n int) call
	status      int      // of the answers; 0 for any success
	bare        bool     // whether bare is measured too
	code        bool     // whether it runs code of the user's that may leave something in the session
	counts      bool     // whether the answer tells a total
	rs256       bool     // how the token is signed
	writes      []string // the tables that are written to
}

const (
	customers = 2000
	orders    = 20000
	columns   = "id,tenant_id,name,email,city,profile,created_at,updated_at"
)

var cases = []benchCase{
	{name: "row", title: "one row by key", class: byKey, requests: customers, bare: true, ask: row},
	{name: "row-rs256", title: "the same, token by RS256", class: byKey, requests: customers, rs256: true, ask: row},
	{name: "row-head", title: "the same, HEAD", class: byKey, requests: customers, ask: func(n int) call {
		c := row(n)
		c.method = "HEAD"
		return c
	}},
	{name: "row-rls", title: "one row by key, row security by a function", class: byKey, requests: 500, bare: true,
		ask: get("/tickets?id=eq.%d", "id=%d", func(n int) []any { return []any{n*20 + 2} })},
	{name: "call-scalar", title: "scalar function by POST", class: byKey, requests: 1000, ask: func(n int) call {
		return call{method: "POST", target: "/rpc/discount", body: fmt.Sprintf(`{"amount":%d.5,"percent":%d}`, n, n%90)}
	}},
	{name: "call-stable", title: "stable function by GET", class: byKey, requests: orders,
		ask: get("/rpc/order_total?order_id=%d", "id=%d", key(orders))},
	{name: "call-rows", title: "function of rows by GET", class: byKey, requests: customers,
		ask: get("/rpc/orders_of?customer_id=%d&order=id", "id=%d", key(customers))},
	{name: "call-volatile", writes: []string{"events"}, title: "volatile function by POST", class: byKey, requests: orders,
		code: true, ask: func(n int) call {
			body := fmt.Sprintf(`{"order_id":%d,"kind":"call"}`, spread(n, orders))
			return call{method: "POST", target: "/rpc/log_event", body: body}
		}},

	{name: "page-100", title: "100 rows", class: page, requests: 199,
		ask: get("/orders?id=gt.%d&order=id&limit=100", "after=%d", func(n int) []any { return []any{n * 100} })},
	{name: "page-count", title: "25 rows and their total, filter and order", class: page, requests: 900, counts: true,
		ask: prefer("count=exact", get(
			"/orders?select=id,customer_id,total,placed_at&status=eq.paid&total=gte.%d&order=placed_at.desc,id.desc&limit=25",
			"from=%d", func(n int) []any { return []any{n} }))},
	{name: "page-list", title: "a list of 1 to 30 keys", class: page, requests: customers,
		ask: func(n int) call {
			keys := make([]string, 1+n%30)
			for i := range keys {
				keys[i] = strconv.Itoa(spread(n+i, customers))
			}
			list := strings.Join(keys, ",")
			return call{method: "GET", target: "/customers?select=id,name,city&id=in.(" + list + ")&order=id",
				hand: "ids=" + list}
		}},
	{name: "page-logic", title: "a logic tree, 25 rows", class: page, requests: 1900, ask: get(
		"/orders?select=id,status,total&or=(and(status.eq.open,total.gt.500),and(status.eq.paid,total.lt.50))"+
			"&customer_id=gt.%d&order=id&limit=25",
		"after=%d", func(n int) []any { return []any{n} })},
	{name: "page-jsonb", title: "filters by jsonb path, 25 rows", class: page, requests: 15000, ask: get(
		"/orders?select=id,details,total&details->>channel=eq.web&details->shipping->>country=eq.FR"+
			"&id=gt.%d&order=id&limit=25",
		"after=%d", func(n int) []any { return []any{n} })},
	{name: "page-enum", title: "filter by enum, 25 rows", class: page, requests: 15000, ask: get(
		"/orders?select=id,status,total&status=eq.shipped&id=gt.%d&order=id&limit=25", "after=%d",
		func(n int) []any { return []any{n} })},
	{name: "page-view", title: "view, the rows of one customer", class: page, requests: customers,
		ask: get("/open_orders?customer_id=eq.%d&order=id", "id=%d", key(customers))},
	{name: "embed-one", title: "25 rows, each with its parent", class: page, requests: 19900, ask: get(
		"/orders?select=id,total,customers(id,name)&id=gt.%d&order=id&limit=25", "after=%d",
		func(n int) []any { return []any{n} })},
	{name: "embed-many", title: "25 of 2,000 rows, each with 10 of 20,000 children", class: page, requests: 79, ask: get(
		"/customers?select=id,name,orders(id,status,total)&order=id&limit=25&offset=%d&orders.order=id",
		"offset=%d", func(n int) []any { return []any{n * 25} })},
	{name: "embed-deep", title: "the same, and 3 of 60,000 of each child", class: page, requests: 79, ask: get(
		"/customers?select=id,name,orders(id,status,order_items(id,product_id,quantity))&order=id&limit=25&offset=%d"+
			"&orders.order=id&orders.order_items.order=id",
		"offset=%d", func(n int) []any { return []any{n * 25} })},

	{name: "insert", writes: []string{"events"}, title: "insert one row, return it", class: write, requests: 1000,
		ask: send("POST", "/events?select=id,order_id,kind,amount", "return=representation",
			func(n int) string { return event(n) })},
	{name: "insert-rls", writes: []string{"tickets"}, class: write, code: true, requests: 1000,
		title: "insert one row, return it: row security, default by function",
		ask: send("POST", ticketsPath, "return=representation", func(n int) string {
			return fmt.Sprintf(`{"customer_id":%d,"body":"Where is it, %d?"}`, spread(n, customers), n)
		})},
	{name: "insert-100", writes: []string{"events"}, title: "insert 100 rows, columns=", class: write, requests: 20,
		ask: send("POST", "/events?columns=order_id,kind,amount", "return=minimal", events(100))},
	{name: "insert-1000", writes: []string{"events"}, title: "insert 1,000 rows", class: write, requests: 4,
		ask: send("POST", "/events", "return=minimal", events(1000))},
	{name: "update", writes: []string{"customers"}, title: "update one row that others refer to, return it", class: write,
		requests: customers, ask: func(n int) call {
			id := spread(n, customers)
			return call{method: "PATCH", target: fmt.Sprintf("/customers?id=eq.%d&select=id,name,city", id),
				hand: fmt.Sprintf("id=%d", id), prefer: "return=representation", body: fmt.Sprintf(`{"city":"Town %d"}`, n)}
		}},
	{name: "update-rls", writes: []string{"tickets"}, title: "update one row, return it: trigger, row security",
		class: write, requests: 500, code: true, ask: func(n int) call {
			id := n*20 + 2
			return call{method: "PATCH", target: fmt.Sprintf(ticketsPath+"&id=eq.%d", id), hand: fmt.Sprintf("id=%d", id),
				prefer: "return=representation", body: fmt.Sprintf(`{"body":"It came on day %d."}`, n)}
		}},
	{name: "put", writes: []string{"stock"}, title: "PUT of one row", class: write, requests: 5000, ask: func(n int) call {
		product, warehouse := 1+n%500, 1+n/500
		return call{method: "PUT", target: fmt.Sprintf("/stock?product_id=eq.%d&warehouse_id=eq.%d", product, warehouse),
			hand: fmt.Sprintf("product=%d&warehouse=%d", product, warehouse), prefer: "return=minimal", body: stock(n)}
	}},
	{name: "upsert", writes: []string{"stock"}, title: "upsert of one row", class: write, requests: 5000,
		ask: send("POST", "/stock", "resolution=merge-duplicates,return=minimal", stock)},

	{name: "mix", writes: []string{"customers", "stock", "events", "tickets"},
		title: "all of these: of reads more, of pages some", class: mixed, code: true},

	{name: "shapes-1", title: "one row by key, one select", class: shapes, requests: 1, ask: selected("")},
	{name: "shapes-200", title: "the same, 200 different", class: shapes, requests: 200, ask: selected("")},
	{name: "shapes-1000", title: "the same, 1,000 different", class: shapes, requests: 1000, ask: selected("")},
	{name: "shapes-10000", title: "the same, 10,000 different", class: shapes, requests: 10000, ask: selected("")},
	{name: "shapes-embed-1", title: "one row by key and two embeds, one select", class: shapes, requests: 1,
		ask: selected(twoEmbeds)},
	{name: "shapes-embed-200", title: "the same, 200 different", class: shapes, requests: 200, ask: selected(twoEmbeds)},
	{name: "shapes-embed-1000", title: "the same, 1,000 different", class: shapes, requests: 1000,
		ask: selected(twoEmbeds)},
	{name: "shapes-embed-10000", title: "the same, 10,000 different", class: shapes, requests: 10000,
		ask: selected(twoEmbeds)},

	{name: "error-relation", title: "unknown relation", class: wrong, requests: 1, status: 404,
		ask: get("/no_such", "", none)},
	{name: "error-column", title: "unknown column", class: wrong, requests: customers, status: 400,
		ask: get("/customers?id=eq.%d&no_such=eq.1", "", key(customers))},
	{name: "error-function", title: "unknown function", class: wrong, requests: 1, status: 404,
		ask: get("/rpc/no_such", "", none)},
	{name: "error-permission", title: "no permission", class: wrong, requests: customers, status: 403,
		ask: get("/secrets?id=eq.%d", "", key(customers))},
	{name: "error-value", title: "a value that is no number", class: wrong, requests: customers, status: 400,
		ask: get("/customers?id=eq.x%d", "", key(customers))},
}

const (
	ticketsPath = "/tickets?select=id,tenant_id,customer_id,body,updated_at"
	twoEmbeds   = ",tenants(id,name),orders(id,status,total)"
)

// parts are the cases of the mix, as often as they stand in it.
var parts []benchCase

// The mix is of the cases above that the hand-written servers know, the heavier ones less often.
func init() {
	for weight := range byKey.weight {
		for _, c := range cases {
			if weight < c.class.weight && !c.rs256 {
				parts = append(parts, c)
			}
		}
	}
	for i := range cases {
		if cases[i].class == mixed {
			cases[i].requests = 50 * len(parts)
			cases[i].ask = func(n int) call {
				part := parts[n%len(parts)]
				c := part.ask(n / len(parts) * 17 % part.requests)
				c.hand = part.name + "?" + c.hand
				return c
			}
		}
	}
}

func row(n int) call { return get("/customers?id=eq.%d", "id=%d", key(customers))(n) }

// get returns the calls of a GET whose targets are made of the values of their number.
func get(target, hand string, values func(n int) []any) func(n int) call {
	return func(n int) call {
		c := call{method: "GET", target: target, hand: hand}
		if v := values(n); len(v) > 0 {
			c.target = fmt.Sprintf(target, v...)
			if hand != "" {
				c.hand = fmt.Sprintf(hand, v...)
			}
		}
		return c
	}
}

func prefer(header string, ask func(n int) call) func(n int) call {
	return func(n int) call {
		c := ask(n)
		c.prefer = header
		return c
	}
}

func send(method, target, prefer string, body func(n int) string) func(n int) call {
	return func(n int) call { return call{method: method, target: target, prefer: prefer, body: body(n)} }
}

func none(int) []any { return nil }

// key returns the keys of a table with so many rows, in an order that puts neighbours far from each other.
func key(rows int) func(n int) []any { return func(n int) []any { return []any{spread(n, rows)} } }

// spread returns the key of a number: 7919 has no divisor in common with the number of rows.
func spread(n, rows int) int { return 1 + n*7919%rows }

func event(n int) string {
	return fmt.Sprintf(`{"order_id":%d,"kind":"new %d","amount":%d}`, spread(n, orders), n, n%1000)
}

func events(rows int) func(n int) string {
	return func(n int) string {
		list := make([]string, rows)
		for i := range list {
			list[i] = event(n*rows + i)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
}

func stock(n int) string {
	return fmt.Sprintf(`{"product_id":%d,"warehouse_id":%d,"quantity":%d}`, 1+n%500, 1+n/500, n%777+1000)
}

// selected returns calls whose select are different arrangements of six columns, and what follows these.
func selected(more string) func(n int) call {
	return func(n int) call {
		left := strings.Split(columns, ",")
		chosen := make([]string, 6)
		code := n
		for i := range chosen {
			at := code % len(left)
			code /= len(left)
			chosen[i] = left[at]
			left = append(left[:at:at], left[at+1:]...)
		}
		return call{method: "GET", target: fmt.Sprintf("/customers?select=%s%s&id=eq.%d", strings.Join(chosen, ","), more,
			spread(n, customers))}
	}
}

// matching returns the cases of these names; a name that is no case's stands for all that begin with it.
func matching(names string) ([]benchCase, error) {
	var found []benchCase
	for name := range strings.SplitSeq(names, ",") {
		var exact, begin []benchCase
		for _, c := range cases {
			if c.name == name {
				exact = append(exact, c)
			} else if strings.HasPrefix(c.name, name) {
				begin = append(begin, c)
			}
		}
		if exact == nil {
			exact = begin
		}
		if exact == nil {
			return nil, fmt.Errorf("no case is called %q or begins so", name)
		}
		found = append(found, exact...)
	}
	return found, nil
}
