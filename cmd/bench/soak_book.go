package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// fate is what became of a request, as far as its client knows.
type fate int

const (
	unknown fate = iota // it may have been done
	kept                // it was done
	lost                // it was not done
)

// marked says where each case that writes has a mark of its own, by which what it wrote is found.
var marked = map[string]struct {
	field string
	place string // of what is inserted, the column; of what is changed, a query for the value by key
}{
	"call-volatile": {"kind", "events.kind"},
	"insert":        {"kind", "events.kind"},
	"insert-100":    {"kind", "events.kind"},
	"insert-1000":   {"kind", "events.kind"},
	"insert-rls":    {"body", "tickets.body"},
	"update":        {"city", "select city from app.customers where id = %s"},
	"update-rls":    {"body", "select body from app.tickets where id = %s"},
	"put":           {"quantity", "select quantity::text from app.stock where (product_id, warehouse_id) = (%s)"},
	"upsert":        {"quantity", "select quantity::text from app.stock where (product_id, warehouse_id) = (%s)"},
}

// book is what clients know of their writes.
type book struct {
	mutex   sync.Mutex
	inserts map[string]insertion   // by mark
	rows    map[string]*changedRow // by the query for the value
}

// insertion is so many rows with a mark.
type insertion struct {
	place string
	rows  int
	fate  fate
}

// changedRow is a row that one client at a time changes.
type changedRow struct {
	mutex    sync.Mutex
	last     string   // the last value that was acknowledged; empty for none
	possible []string // those since whose fate is unknown
}

func newBook() *book {
	return &book{inserts: make(map[string]insertion), rows: make(map[string]*changedRow)}
}

// write sends a request that writes, marks what it writes, and checks the answer.
func (b *book) write(k *soakKind, turn int, token string, send func([]byte) (response, error)) (fate, error) {
	c := k.ask(turn % k.requests)
	how := marked[k.name]
	objects, single := []map[string]any{}, !strings.HasPrefix(c.body, "[")
	text := c.body
	if single {
		text = "[" + text + "]"
	}
	if err := json.Unmarshal([]byte(text), &objects); err != nil {
		return lost, err
	}
	var mark any = fmt.Sprintf("soak %d", turn)
	if how.field == "quantity" {
		mark = turn
	}
	for _, object := range objects {
		object[how.field] = mark
	}
	body, err := json.Marshal(objects)
	if single && err == nil {
		body, err = json.Marshal(objects[0])
	}
	if err != nil {
		return lost, err
	}
	c.body = string(body)
	changes := strings.HasPrefix(how.place, "select")
	var target *changedRow
	if changes {
		target = b.row(fmt.Sprintf(how.place, keyOf(c, objects[0])))
		target.mutex.Lock()
		defer target.mutex.Unlock()
	}
	got, err := send(c.encode(token, ""))
	outcome := kept
	if err != nil {
		outcome, err = failed(got, err)
	} else {
		err = k.written(got, objects, how.field, mark)
	}
	value := fmt.Sprint(mark)
	switch {
	case !changes:
		b.mutex.Lock()
		b.inserts[value] = insertion{how.place, len(objects), outcome}
		b.mutex.Unlock()
	case outcome == kept:
		target.last, target.possible = value, nil
	case outcome == unknown:
		target.possible = append(target.possible, value)
	}
	return outcome, err
}

func (b *book) row(query string) *changedRow {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.rows[query] == nil {
		b.rows[query] = &changedRow{}
	}
	return b.rows[query]
}

// keyOf is the key of the row that a request changes, as SQL.
func keyOf(c call, object map[string]any) string {
	if id, found := strings.CutPrefix(c.hand, "id="); found {
		return id
	}
	return fmt.Sprintf("%v, %v", object["product_id"], object["warehouse_id"])
}

// written checks the answer to a write: the rows with the mark, where they are asked for.
func (k *soakKind) written(got response, objects []map[string]any, field string, mark any) error {
	if k.name == "call-volatile" {
		want := fmt.Sprint(spread(int(objects[0]["order_id"].(float64)), customers))
		if string(got.body) != want {
			return fmt.Errorf("%s, not %s", got.body, want)
		}
		return nil
	}
	if len(got.body) == 0 {
		return nil
	}
	var rows []map[string]any
	if err := json.Unmarshal(got.body, &rows); err != nil || len(rows) != len(objects) {
		return fmt.Errorf("%w: %s", err, got.body)
	}
	for i, found := range rows {
		for name, value := range objects[i] {
			if fmt.Sprint(found[name]) != fmt.Sprint(value) {
				return fmt.Errorf("%s of %s", name, got.body)
			}
		}
	}
	return nil
}

// verdict is what the database says about the writes.
type verdict struct{ acknowledged, uncertain, lost, doubled int }

// verify compares the book with the database.
func (b *book) verify(ctx context.Context, db *database) (v verdict, problems []string, err error) {
	found := make(map[string]int)
	rows, err := db.control.Query(ctx, `select kind, count(*)::int from app.events where kind like 'soak %' group by 1
		union all select body, count(*)::int from app.tickets where body like 'soak %' and id > 10000 group by 1`)
	if err != nil {
		return v, nil, err
	}
	for rows.Next() {
		var mark string
		var count int
		if err := rows.Scan(&mark, &count); err != nil {
			return v, nil, err
		}
		found[mark] += count
	}
	if err := rows.Err(); err != nil {
		return v, nil, err
	}
	for mark, wrote := range b.inserts {
		count := found[mark]
		delete(found, mark)
		switch {
		case wrote.fate == kept:
			v.acknowledged++
		case wrote.fate == unknown:
			v.uncertain++
		}
		switch {
		case count > wrote.rows || count > 0 && wrote.fate == lost:
			v.doubled++
			problems = append(problems, fmt.Sprintf("%s: %d of %d rows, fate %d", mark, count, wrote.rows, wrote.fate))
		case count < wrote.rows && (wrote.fate == kept || count > 0):
			v.lost++
			problems = append(problems, fmt.Sprintf("%s: %d of %d rows, fate %d", mark, count, wrote.rows, wrote.fate))
		}
	}
	for mark := range found {
		problems = append(problems, "nobody wrote "+mark)
	}
	for query, changed := range b.rows {
		if changed.last == "" {
			continue
		}
		v.acknowledged++
		v.uncertain += len(changed.possible)
		var value string
		if err := db.control.QueryRow(ctx, query).Scan(&value); err != nil {
			return v, problems, fmt.Errorf("%s: %w", query, err)
		}
		if value != changed.last && !slices.Contains(changed.possible, value) {
			v.lost++
			problems = append(problems, fmt.Sprintf("%s gives %s, not %s", query, value, changed.last))
		}
	}
	return v, problems, nil
}
