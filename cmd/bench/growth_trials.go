package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// encoded returns so many GET requests, by a number each.
func (g *growth) encoded(count int, profile string, target func(n int) string) [][]byte {
	requests := make([][]byte, count)
	for n := range requests {
		requests[n] = call{method: "GET", target: target(n)}.encode(g.db.tokens.hs256, profile)
	}
	return requests
}

// rowTrials reads a page of so many rows.
func rowTrials(_ context.Context, g *growth, rows int) ([]trial, error) {
	page := func(selected string) [][]byte {
		return g.encoded(1, "", func(int) string { return fmt.Sprintf("/orders?%sorder=id&limit=%d", selected, rows) })
	}
	return []trial{
		{curve: "flat", requests: page(""), shapes: 1, connections: growthClients},
		{
			curve: "with parents", requests: page("select=id,status,total,customers(id,name)&"), shapes: 1,
			connections: growthClients,
		},
	}, nil
}

// roleTrials reads a row as each of so many roles in turn.
func roleTrials(ctx context.Context, g *growth, roles int) ([]trial, error) {
	err := g.db.run(ctx, fmt.Sprintf(`do $$
		begin
			for n in 1..%d loop
				if to_regrole('grown_' || n) is null then
					execute format('create role %%I in role %s role %s', 'grown_' || n);
				end if;
			end loop;
		end $$`, roles, requestRole, authenticator))
	if err != nil {
		return nil, err
	}
	requests := make([][]byte, roles)
	for n := range requests {
		claims := jwt.MapClaims{"role": fmt.Sprintf("grown_%d", n+1), "exp": time.Now().AddDate(0, 0, 1).Unix()}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(g.db.secret))
		if err != nil {
			return nil, err
		}
		requests[n] = row(n).encode(token, "")
	}
	return []trial{{curve: "in turn", requests: requests, shapes: roles, connections: growthClients}}, nil
}

// shapeTrials reads a row by so many shapes: one after the other, the worst order for a cache, and as it is where
// some are asked more often.
func shapeTrials(_ context.Context, g *growth, shapes int) ([]trial, error) {
	requests := g.encoded(shapes, "", func(n int) string {
		return fmt.Sprintf("/customers?select=a%d:id,name,city&id=eq.%d", n, spread(n, customers))
	})
	random := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.2, 1, uint64(shapes-1))
	skewed := make([][]byte, 10*fillAll)
	for n := range skewed {
		skewed[n] = requests[random.Uint64()]
	}
	fill := requests
	if shapes > fillAll {
		fill = skewed
	}
	return []trial{
		{curve: "in turn", requests: requests, shapes: shapes, connections: growthClients},
		{curve: "some more often", fill: fill, requests: skewed, shapes: shapes, connections: growthClients},
	}, nil
}

// connectionTrials reads rows on so many connections: with the usual number of connections to the database, and with as
// many.
func connectionTrials(_ context.Context, g *growth, connections int) ([]trial, error) {
	requests := g.encoded(customers, "", func(n int) string { return row(n).target })
	asMany := []string{"PGRST_DB_POOL=" + strconv.Itoa(connections)}
	return []trial{
		{curve: "db-pool " + strconv.Itoa(poolSize), requests: requests, shapes: 1, connections: connections},
		{curve: "db-pool as many", env: asMany, requests: requests, shapes: 1, connections: connections},
	}, nil
}

// relationTrials asks a schema of so many tables for one row, for shapes that nobody has met, which go over all tables,
// and for its description.
func relationTrials(ctx context.Context, g *growth, relations int) ([]trial, error) {
	const schema, atOnce = "many", 500
	statement := "create schema if not exists " + schema + "; grant usage on schema " + schema + " to app_user"
	if err := g.db.run(ctx, statement); err != nil {
		return nil, err
	}
	var first int
	err := g.db.control.QueryRow(ctx, "select count(*) + 1 from pg_tables where schemaname = $1", schema).Scan(&first)
	if err != nil {
		return nil, err
	}
	if first <= relations {
		progress(fmt.Sprintf("making tables up to %d", relations))
	}
	// So many commands would take longer with them, and no process is there that has compiled anything.
	triggers := []string{"alter event trigger postern_ddl_command_end ", "alter event trigger postern_sql_drop "}
	if err := g.db.run(ctx, triggers[0]+"disable", triggers[1]+"disable"); err != nil {
		return nil, err
	}
	for ; first <= relations; first += atOnce {
		err := g.db.run(ctx, fmt.Sprintf(`do $$
			begin
				for n in %d..%d loop
					execute format('create table %[3]s.t%%1$s '
						'(id int primary key, name varchar(60), ref int references %[3]s.t%%2$s); '
						'grant select on %[3]s.t%%1$s to app_user', n, greatest(n / 10, 1));
				end loop;
			end $$`, first, min(first+atOnce-1, relations), schema))
		if err != nil {
			return nil, err
		}
	}
	if err := g.db.run(ctx, triggers[0]+"enable always", triggers[1]+"enable always"); err != nil {
		return nil, err
	}
	err = g.db.run(ctx, "vacuum (analyze) pg_class, pg_attribute, pg_constraint, pg_index, pg_depend, pg_type, pg_trigger")
	if err != nil {
		return nil, err
	}
	settings := []string{"PGRST_DB_SCHEMAS=app," + schema}
	one := g.encoded(1, schema, func(int) string {
		return fmt.Sprintf("/t%d?select=id,name,up:ref(name)&id=eq.7", relations)
	})
	fresh := g.encoded(2*fillAll, schema, func(n int) string {
		return fmt.Sprintf("/t%d?select=a%d:id,name,up:ref(name)&id=eq.7", 1+spread(n, relations-1), n)
	})
	description := g.encoded(1, schema, func(int) string { return "/" })
	return []trial{
		{curve: "one shape", env: settings, requests: one, shapes: 1, connections: growthClients},
		{
			curve: "new shapes", env: settings, fill: fresh[:100], requests: fresh[100:],
			connections: growthClients,
		},
		{curve: "description", env: settings, requests: description, shapes: 1, connections: 1},
	}, nil
}
