package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// A route is a hand-written handler of a case, in both ways: run is how one writes it with pgx, json the one query that
// makes the same answer in PostgreSQL: by json_agg, and where the answer is large by gathering its text, which takes
// half the time.
type route struct {
	name      string // of its case
	status    int
	arguments func(r *http.Request) ([]any, error)
	run       func(ctx context.Context, q querier, arguments []any) (value any, total int64, err error)
	json      string
	whole     bool // json takes the body as it came
	counts    bool // json has a second column, the total
}

// querier is a transaction or the pool.
type querier interface {
	Query(ctx context.Context, sql string, arguments ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row
}

const (
	ticketColumns = "id, tenant_id, customer_id, body, updated_at"
	putStock      = `insert into app.stock (product_id, warehouse_id, quantity) values ($1, $2, $3)
		on conflict (product_id, warehouse_id) do update set quantity = excluded.quantity`
)

// routes are the hand-written handlers, by case.
var routes = map[string]route{
	"row":       rows[customer]("select "+columns+" from app.customers where id = $1", number("id")),
	"row-rs256": rows[customer]("select "+columns+" from app.customers where id = $1", number("id")),
	"row-head":  rows[customer]("select "+columns+" from app.customers where id = $1", number("id")),
	"row-rls":   rows[ticket]("select "+ticketColumns+" from app.tickets where id = $1", number("id")),
	"call-scalar": scalar[float64]("select app.discount($1, $2)", body(func(given struct {
		Amount  float64
		Percent int32
	}) []any {
		return []any{given.Amount, given.Percent}
	})),
	"call-stable": scalar[float64]("select app.order_total($1)", number("id")),
	"call-rows": rows[order]("select id, customer_id, status, details, total, placed_at from app.orders_of($1) "+
		"order by id", number("id")),
	"call-volatile": scalar[int32]("select app.log_event($1, $2)", body(func(given struct {
		OrderID int32 `json:"order_id"`
		Kind    string
	}) []any {
		return []any{given.OrderID, given.Kind}
	})),

	"page-100": gathered(rows[order](`select id, customer_id, status, details, total, placed_at from app.orders
		where id > $1 order by id limit 100`, number("after")),
		`select coalesce('[' || string_agg('{"id":' || id || ',"customer_id":' || customer_id || ',"status":"' || status ||
			'","details":' || details || ',"total":' || total || ',"placed_at":' || to_json(placed_at) || '}', ',') || ']', '[]')
		from (select id, customer_id, status, details, total, placed_at from app.orders
			where id > $1 order by id limit 100) as t`),
	"page-count": {status: http.StatusPartialContent, arguments: number("from"), run: countedPage, counts: true,
		json: `select coalesce((select json_agg(t) from (select id, customer_id, total, placed_at from app.orders
				where status = 'paid' and total >= $1 order by placed_at desc, id desc limit 25) as t), '[]')::text,
			(select count(*) from app.orders where status = 'paid' and total >= $1)`},
	"page-list": rows[customerCity]("select id, name, city from app.customers where id = any($1) order by id",
		numbers("ids")),
	"page-logic": rows[orderStatus](`select id, status, total from app.orders
		where (status = 'open' and total > 500 or status = 'paid' and total < 50) and customer_id > $1 order by id limit 25`,
		number("after")),
	"page-jsonb": rows[orderDetails](`select id, details, total from app.orders
		where details ->> 'channel' = 'web' and details -> 'shipping' ->> 'country' = 'FR' and id > $1 order by id limit 25`,
		number("after")),
	"page-enum": rows[orderStatus]("select id, status, total from app.orders "+
		"where status = 'shipped' and id > $1 order by id limit 25", number("after")),
	"page-view": rows[openOrder]("select id, customer_id, customer, total, placed_at from app.open_orders "+
		"where customer_id = $1 order by id", number("id")),
	"embed-one": {status: http.StatusOK, arguments: number("after"), run: ordersOfPage,
		json: `select coalesce('[' || string_agg('{"id":' || o.id || ',"total":' || o.total || ',"customers":{"id":' ||
			c.id || ',"name":' || to_json(c.name) || '}}', ',' order by o.id) || ']', '[]')
		from (select id, total, customer_id from app.orders where id > $1 order by id limit 25) as o
		join app.customers as c on c.id = o.customer_id`},
	"embed-many": {status: http.StatusOK, arguments: number("offset"), run: customersWithOrders,
		json: `select coalesce('[' || string_agg('{"id":' || c.id || ',"name":' || to_json(c.name) || ',"orders":' ||
			coalesce(o.orders, '[]') || '}', ',' order by c.id) || ']', '[]')
		from (select id, name from app.customers order by id limit 25 offset $1) as c,
		lateral (select '[' || string_agg('{"id":' || id || ',"status":"' || status || '","total":' || total || '}', ','
			order by id) || ']' as orders from app.orders where customer_id = c.id) as o`},
	"embed-deep": {status: http.StatusOK, arguments: number("offset"), run: customersWithItems,
		json: `with c as materialized (select id, name from app.customers order by id limit 25 offset $1),
		o as materialized (select id, status, customer_id from app.orders where customer_id = any(array(select id from c))),
		i as (select order_id, '[' || string_agg('{"id":' || id || ',"product_id":' || product_id || ',"quantity":' ||
			quantity || '}', ',' order by id) || ']' as items
			from app.order_items where order_id = any(array(select id from o)) group by order_id),
		g as (select o.customer_id, '[' || string_agg('{"id":' || o.id || ',"status":"' || o.status || '","order_items":' ||
			coalesce(i.items, '[]') || '}', ',' order by o.id) || ']' as orders
			from o left join i on i.order_id = o.id group by o.customer_id)
		select coalesce('[' || string_agg('{"id":' || c.id || ',"name":' || to_json(c.name) || ',"orders":' ||
			coalesce(g.orders, '[]') || '}', ',' order by c.id) || ']', '[]') from c left join g on g.customer_id = c.id`},

	"insert": created(rows[storedEvent](
		"insert into app.events (order_id, kind, amount) values ($1, $2, $3) returning id, order_id, kind, amount",
		body(func(e newEvent) []any { return []any{e.OrderID, e.Kind, e.Amount} }))),
	"insert-rls": created(rows[ticket](
		"insert into app.tickets (customer_id, body) values ($1, $2) returning "+ticketColumns,
		body(func(t ticket) []any { return []any{t.CustomerID, t.Body} }))),
	"insert-100":  bulk,
	"insert-1000": bulk,
	"update": rows[customerCity]("update app.customers set city = $2 where id = $1 returning id, name, city",
		keyAndBody(func(c customerCity) any { return c.City })),
	"update-rls": rows[ticket]("update app.tickets set body = $2 where id = $1 returning "+ticketColumns,
		keyAndBody(func(t ticket) any { return t.Body })),
	"put": nothing(http.StatusNoContent, putStock, func(r *http.Request) ([]any, error) {
		query := r.URL.Query()
		var given newStock
		err := json.NewDecoder(r.Body).Decode(&given)
		if query.Get("product") != strconv.Itoa(int(given.ProductID)) ||
			query.Get("warehouse") != strconv.Itoa(int(given.WarehouseID)) {
			return nil, http.ErrNotSupported
		}
		return []any{given.ProductID, given.WarehouseID, given.Quantity}, err
	}),
	"upsert": nothing(http.StatusOK, putStock, body(func(s newStock) []any {
		return []any{s.ProductID, s.WarehouseID, s.Quantity}
	})),
}

// bulk inserts all rows by one statement: from arrays of the columns, or from the body as it came.
var bulk = route{
	status: http.StatusCreated, whole: true,
	arguments: body(func(given []newEvent) []any {
		ids, kinds, amounts := make([]int32, len(given)), make([]string, len(given)), make([]int32, len(given))
		for i, e := range given {
			ids[i], kinds[i], amounts[i] = e.OrderID, e.Kind, e.Amount
		}
		return []any{ids, kinds, amounts}
	}),
	run: executed("insert into app.events (order_id, kind, amount) " +
		"select * from unnest($1::int[], $2::text[], $3::int[])"),
	json: `insert into app.events (order_id, kind, amount)
		select order_id, kind, amount from json_to_recordset($1) as t (order_id int, kind text, amount int)`,
}

// rows returns the handler that answers with the rows of a query.
func rows[T any](sql string, arguments func(*http.Request) ([]any, error)) route {
	return route{
		status: http.StatusOK, arguments: arguments,
		json: "with t as (" + sql + ") select coalesce(json_agg(t), '[]')::text from t",
		run: func(ctx context.Context, q querier, arguments []any) (any, int64, error) {
			found, err := collect[T](ctx, q, sql, arguments...)
			return found, -1, err
		},
	}
}

// scalar returns the handler that answers with the one value of a query.
func scalar[T any](sql string, arguments func(*http.Request) ([]any, error)) route {
	return route{
		status: http.StatusOK, arguments: arguments, json: "select to_json((" + sql + "))::text",
		run: func(ctx context.Context, q querier, arguments []any) (any, int64, error) {
			var value *T
			err := q.QueryRow(ctx, sql, arguments...).Scan(&value)
			return value, -1, err
		},
	}
}

// nothing returns the handler that runs a statement and answers without a body.
func nothing(status int, sql string, arguments func(*http.Request) ([]any, error)) route {
	return route{status: status, arguments: arguments, run: executed(sql), json: sql}
}

// gathered returns the handler with another query that makes the JSON.
func gathered(r route, json string) route {
	r.json = json
	return r
}

func created(r route) route {
	r.status = http.StatusCreated
	return r
}

func executed(sql string) func(context.Context, querier, []any) (any, int64, error) {
	return func(ctx context.Context, q querier, arguments []any) (any, int64, error) {
		rows, err := q.Query(ctx, sql, arguments...)
		if err != nil {
			return nil, -1, err
		}
		rows.Close()
		return nil, -1, rows.Err()
	}
}

func collect[T any](ctx context.Context, q querier, sql string, arguments ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, arguments...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// number takes the argument of that name from the query string.
func number(name string) func(*http.Request) ([]any, error) {
	return func(r *http.Request) ([]any, error) {
		n, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 32)
		return []any{int32(n)}, err
	}
}

func numbers(name string) func(*http.Request) ([]any, error) {
	return func(r *http.Request) ([]any, error) {
		var list []int32
		for text := range strings.SplitSeq(r.URL.Query().Get(name), ",") {
			n, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return nil, err
			}
			list = append(list, int32(n))
		}
		return []any{list}, nil
	}
}

// body takes the arguments from a body of JSON.
func body[T any](take func(T) []any) func(*http.Request) ([]any, error) {
	return func(r *http.Request) ([]any, error) {
		var given T
		err := json.NewDecoder(r.Body).Decode(&given)
		return take(given), err
	}
}

func keyAndBody[T any](take func(T) any) func(*http.Request) ([]any, error) {
	return func(r *http.Request) ([]any, error) {
		key, err := number("id")(r)
		if err != nil {
			return nil, err
		}
		rest, err := body(func(given T) []any { return []any{take(given)} })(r)
		return append(key, rest...), err
	}
}

func wholeBody(r *http.Request) ([]any, error) {
	content, err := io.ReadAll(r.Body)
	return []any{json.RawMessage(content)}, err
}
