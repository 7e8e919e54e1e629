package main

import (
	"context"
	"encoding/json"
	"time"
)

// The rows.
type (
	customer struct {
		ID        int32           `json:"id"`
		TenantID  int32           `json:"tenant_id"`
		Name      string          `json:"name"`
		Email     string          `json:"email"`
		City      *string         `json:"city"`
		Profile   json.RawMessage `json:"profile"`
		CreatedAt time.Time       `json:"created_at"`
		UpdatedAt time.Time       `json:"updated_at"`
	}
	customerCity struct {
		ID   int32   `json:"id"`
		Name string  `json:"name"`
		City *string `json:"city"`
	}
	order struct {
		ID         int32           `json:"id"`
		CustomerID int32           `json:"customer_id"`
		Status     string          `json:"status"`
		Details    json.RawMessage `json:"details"`
		Total      float64         `json:"total"`
		PlacedAt   time.Time       `json:"placed_at"`
	}
	orderPlaced struct {
		ID         int32     `json:"id"`
		CustomerID int32     `json:"customer_id"`
		Total      float64   `json:"total"`
		PlacedAt   time.Time `json:"placed_at"`
	}
	orderStatus struct {
		ID     int32   `json:"id"`
		Status string  `json:"status"`
		Total  float64 `json:"total"`
	}
	orderDetails struct {
		ID      int32           `json:"id"`
		Details json.RawMessage `json:"details"`
		Total   float64         `json:"total"`
	}
	openOrder struct {
		ID         int32     `json:"id"`
		CustomerID int32     `json:"customer_id"`
		Customer   string    `json:"customer"`
		Total      float64   `json:"total"`
		PlacedAt   time.Time `json:"placed_at"`
	}
	named struct {
		ID   int32  `json:"id"`
		Name string `json:"name"`
	}
	orderCustomer struct {
		ID       int32   `json:"id"`
		Total    float64 `json:"total"`
		Customer named   `json:"customers"`
	}
	newEvent struct {
		OrderID int32  `json:"order_id"`
		Kind    string `json:"kind"`
		Amount  int32  `json:"amount"`
	}
	storedEvent struct {
		ID int64 `json:"id"`
		newEvent
	}
	ticket struct {
		ID         int64     `json:"id"`
		TenantID   int32     `json:"tenant_id"`
		CustomerID int32     `json:"customer_id"`
		Body       string    `json:"body"`
		UpdatedAt  time.Time `json:"updated_at"`
	}
	newStock struct {
		ProductID   int32 `json:"product_id"`
		WarehouseID int32 `json:"warehouse_id"`
		Quantity    int32 `json:"quantity"`
	}
)

func countedPage(ctx context.Context, q querier, arguments []any) (any, int64, error) {
	const where = "from app.orders where status = 'paid' and total >= $1"
	var total int64
	if err := q.QueryRow(ctx, "select count(*) "+where, arguments...).Scan(&total); err != nil {
		return nil, -1, err
	}
	found, err := collect[orderPlaced](ctx, q, "select id, customer_id, total, placed_at "+where+
		" order by placed_at desc, id desc limit 25", arguments...)
	return found, total, err
}

func ordersOfPage(ctx context.Context, q querier, arguments []any) (any, int64, error) {
	type joined struct {
		ID         int32
		Total      float64
		CustomerID int32
		Name       string
	}
	found, err := collect[joined](ctx, q, `select o.id, o.total, c.id, c.name from app.orders as o
		join app.customers as c on c.id = o.customer_id where o.id > $1 order by o.id limit 25`, arguments...)
	result := make([]orderCustomer, len(found))
	for i, row := range found {
		result[i] = orderCustomer{row.ID, row.Total, named{row.CustomerID, row.Name}}
	}
	return result, -1, err
}

// The rows of the embeds; Of is the parent's key.
type (
	parent struct {
		named
		Orders []child `json:"orders" db:"-"`
	}
	child struct {
		Of int32 `json:"-"`
		orderStatus
	}
	parentDeep struct {
		named
		Orders []childDeep `json:"orders" db:"-"`
	}
	childDeep struct {
		Of     int32  `json:"-"`
		ID     int32  `json:"id"`
		Status string `json:"status"`
		Items  []item `json:"order_items" db:"-"`
	}
	item struct {
		Of        int32 `json:"-"`
		ID        int32 `json:"id"`
		ProductID int32 `json:"product_id"`
		Quantity  int32 `json:"quantity"`
	}
)

const pageOfCustomers = "select id, name from app.customers order by id limit 25 offset $1"

// customersWithOrders makes two queries and puts the children to their parents here.
func customersWithOrders(ctx context.Context, q querier, arguments []any) (any, int64, error) {
	parents, err := collect[parent](ctx, q, pageOfCustomers, arguments...)
	if err != nil {
		return nil, -1, err
	}
	children, err := collect[child](ctx, q,
		"select customer_id, id, status, total from app.orders where customer_id = any($1) order by id",
		mapped(parents, func(p parent) int32 { return p.ID }))
	of := grouped(children, func(c child) int32 { return c.Of })
	for i := range parents {
		parents[i].Orders = of[parents[i].ID]
	}
	return parents, -1, err
}

// customersWithItems makes three.
func customersWithItems(ctx context.Context, q querier, arguments []any) (any, int64, error) {
	parents, err := collect[parentDeep](ctx, q, pageOfCustomers, arguments...)
	if err != nil {
		return nil, -1, err
	}
	children, err := collect[childDeep](ctx, q,
		"select customer_id, id, status from app.orders where customer_id = any($1) order by id",
		mapped(parents, func(p parentDeep) int32 { return p.ID }))
	if err != nil {
		return nil, -1, err
	}
	items, err := collect[item](ctx, q,
		"select order_id, id, product_id, quantity from app.order_items where order_id = any($1) order by id",
		mapped(children, func(c childDeep) int32 { return c.ID }))
	itemsOf := grouped(items, func(i item) int32 { return i.Of })
	for i := range children {
		children[i].Items = itemsOf[children[i].ID]
	}
	of := grouped(children, func(c childDeep) int32 { return c.Of })
	for i := range parents {
		parents[i].Orders = of[parents[i].ID]
	}
	return parents, -1, err
}

// grouped returns the children by the key of their parent.
func grouped[T any](children []T, parent func(T) int32) map[int32][]T {
	result := map[int32][]T{}
	for _, c := range children {
		result[parent(c)] = append(result[parent(c)], c)
	}
	return result
}
