package main

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"
)

type author struct {
	ID         int32    `json:"id"`
	GivenName  string   `json:"given_name"`
	FamilyName string   `json:"family_name"`
	Country    string   `json:"country"`
	Born       *int16   `json:"born"`
	PenNames   []string `json:"pen_names"`
}

type shop struct {
	ID        int32      `json:"id"`
	Name      string     `json:"name"`
	City      string     `json:"city"`
	Employees []employee `json:"employees" db:"-"`
}

type employee struct {
	ID   int32  `json:"id"`
	Name string `json:"name"`
	Job  string `json:"job"`
}

type newVisit struct {
	ShopID   int32   `json:"shop_id"`
	Visitors int32   `json:"visitors"`
	Note     *string `json:"note"`
}

type storedVisit struct {
	ID       int64   `json:"id"`
	ShopID   int32   `json:"shop_id"`
	Visitors int32   `json:"visitors"`
	Note     *string `json:"note"`
}

const authorColumns = "id, given_name, family_name, country, born, pen_names"

func (h *hand) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authors/{id}", h.getAuthor)
	mux.HandleFunc("GET /authors", h.listAuthors)
	mux.HandleFunc("GET /shops", h.listShops)
	mux.HandleFunc("POST /visits", h.addVisit)
	mux.HandleFunc("PATCH /visits/{id}", h.changeVisit)
	mux.HandleFunc("POST /visits/bulk", h.addVisits)
	mux.HandleFunc("POST /rpc/reading_time", h.readingTime)
	return mux
}

func (h *hand) getAuthor(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 32)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(h, w, r, http.StatusOK, func(q querier) ([]author, error) {
		rows, err := q.Query(r.Context(), "select "+authorColumns+" from api.authors where id = $1", id)
		return collect[author](rows, err)
	})
}

func (h *hand) listAuthors(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	after, err := strconv.ParseInt(query.Get("after"), 10, 32)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	limit, err := strconv.ParseInt(query.Get("limit"), 10, 32)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(h, w, r, http.StatusOK, func(q querier) ([]author, error) {
		rows, err := q.Query(r.Context(), "select "+authorColumns+" from api.authors where id > $1 order by id limit $2", after, limit)
		return collect[author](rows, err)
	})
}

// listShops makes two queries and puts the children to their parents here. On the demo's shops that took a third of the
// database's time that one query with json_agg in a lateral subquery did, and in all gave more requests per second.
func (h *hand) listShops(w http.ResponseWriter, r *http.Request) {
	answer(h, w, r, http.StatusOK, func(q querier) ([]shop, error) {
		rows, err := q.Query(r.Context(), "select id, name, city from api.shops order by id")
		shops, err := collect[shop](rows, err)
		if err != nil {
			return nil, err
		}
		ids, places := make([]int32, len(shops)), make(map[int32]int, len(shops))
		for i := range shops {
			shops[i].Employees = []employee{}
			ids[i], places[shops[i].ID] = shops[i].ID, i
		}
		rows, err = q.Query(r.Context(), "select shop_id, id, name, job from api.employees where shop_id = any($1) order by id", ids)
		if err != nil {
			return nil, err
		}
		var shopID int32
		var found employee
		_, err = pgx.ForEachRow(rows, []any{&shopID, &found.ID, &found.Name, &found.Job}, func() error {
			parent := &shops[places[shopID]]
			parent.Employees = append(parent.Employees, found)
			return nil
		})
		return shops, err
	})
}

func (h *hand) addVisit(w http.ResponseWriter, r *http.Request) {
	var given newVisit
	if !decodeBody(w, r, &given) {
		return
	}
	answer(h, w, r, http.StatusCreated, func(q querier) ([]storedVisit, error) {
		rows, err := q.Query(r.Context(),
			"insert into api.visits (shop_id, visitors, note) values ($1, $2, $3) returning id, shop_id, visitors, note",
			given.ShopID, given.Visitors, given.Note)
		return collect[storedVisit](rows, err)
	})
}

func (h *hand) changeVisit(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var given struct {
		Visitors int32 `json:"visitors"`
	}
	if !decodeBody(w, r, &given) {
		return
	}
	answer(h, w, r, http.StatusOK, func(q querier) ([]storedVisit, error) {
		rows, err := q.Query(r.Context(),
			"update api.visits set visitors = $1 where id = $2 returning id, shop_id, visitors, note", given.Visitors, id)
		return collect[storedVisit](rows, err)
	})
}

// addVisits inserts all rows by one statement, the columns as arrays: quicker than VALUES with three thousand parameters.
func (h *hand) addVisits(w http.ResponseWriter, r *http.Request) {
	var given []newVisit
	if !decodeBody(w, r, &given) {
		return
	}
	shops, visitors, notes := make([]int32, len(given)), make([]int32, len(given)), make([]*string, len(given))
	for i, v := range given {
		shops[i], visitors[i], notes[i] = v.ShopID, v.Visitors, v.Note
	}
	answer(h, w, r, http.StatusCreated, func(q querier) (any, error) {
		rows, err := q.Query(r.Context(),
			"insert into api.visits (shop_id, visitors, note) select * from unnest($1::int[], $2::int[], $3::text[])",
			shops, visitors, notes)
		if err != nil {
			return nil, err
		}
		rows.Close()
		return nil, rows.Err()
	})
}

func (h *hand) readingTime(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Pages int32 `json:"pages"`
	}
	if !decodeBody(w, r, &given) {
		return
	}
	answer(h, w, r, http.StatusOK, func(q querier) (int32, error) {
		rows, err := q.Query(r.Context(), "select api.reading_time($1)", given.Pages)
		if err != nil {
			return 0, err
		}
		return pgx.CollectExactlyOneRow(rows, pgx.RowTo[int32])
	})
}

func collect[T any](rows pgx.Rows, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// decodeBody reads a body of JSON; where it is none it answers and tells false.
func decodeBody(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}
