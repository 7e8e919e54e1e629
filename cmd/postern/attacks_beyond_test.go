package main

// What PostgREST does not have is attacked, too.
const (
	aForm    = "application/x-www-form-urlencoded"
	aBatch   = "application/vnd.postern.batch+json"
	aRows    = "application/vnd.postern.rows+json"
	onLines  = "application/x-ndjson"
	rollback = "tx=rollback, return=representation"
)

var beyond = []attack{
	// B1: pages by cursor.
	{id: "B1", request: `GET /books?limit=1&cursor=` + in(`after.1;drop table api.books`), status: 400, want: `PGRST158`},
	{id: "B1", request: `GET /books?limit=1&cursor=` + in(`after.') or 1=1--`), status: 400, want: `PGRST158`},
	{id: "B1", request: `GET /books?limit=1&cursor=after.` + times("1", 100) + `~x`, status: 400, want: `PGRST158`},
	{id: "B1", request: `GET /books?limit=1&cursor=before.` + times("x", 100_000), status: 400, want: `PGRST158`},
	{id: "B1", request: `GET /books?limit=1&cursor=after.%00`, status: 400, want: `PGRST100`},
	{id: "B1", request: `GET /books?cursor=first;drop&limit=1`, status: 400, want: `PGRST100`},
	{id: "B1", request: `GET /books?cursor=first&limit=1&order=` + in(`id;drop`), status: 400, want: `PGRST100`},
	{id: "B1", request: `GET /secrets?cursor=first&limit=5&select=id`, status: 200, want: `[{"id":1}]`},

	// B2: the method QUERY.
	{id: "B2", request: `QUERY /books`, body: `id=eq.1;drop table api.books&select=id`, headers: []string{"Content-Type", aForm}, status: 400, want: `22P02`},
	{id: "B2", request: `QUERY /books`, body: in(`id) or (1=1`) + `=eq.1&select=id`, headers: []string{"Content-Type", aForm}, status: 200, want: `[{"id":1}]`},
	{id: "B2", request: `QUERY /books?select=id`, body: `select=` + in(`id,(select 1)`), headers: []string{"Content-Type", aForm}, status: 400, want: `PGRST100`},
	{id: "B2", request: `QUERY /books`, body: `or=` + times("(and", 10_000), headers: []string{"Content-Type", aForm}, status: 400, want: `PGRST100`},
	{id: "B2", request: `QUERY /books`, body: times("id=eq.1&", 10_000), headers: []string{"Content-Type", aForm}, status: 400, want: `PGRST100`},
	{id: "B2", request: `QUERY /books`, body: "title=eq.\xff", headers: []string{"Content-Type", aForm}, status: 400, want: `PGRST100`},
	{id: "B2", request: `QUERY /books`, body: "title=eq.a\x00b", headers: []string{"Content-Type", aForm}, status: 400, want: `PGRST100`},
	{id: "B2", request: `QUERY /secrets`, body: `id=eq.2`, headers: []string{"Content-Type", aForm}, status: 200, want: `[]`},
	{id: "B2", request: `QUERY /rpc/set_config`, body: `id=eq.2`, headers: []string{"Content-Type", aForm}, status: 404, want: `PGRST202`},

	// B3: batches.
	{id: "B3", request: `POST /`, body: `[{"method":"GET","path":"/secrets?id=eq.2"}]`, headers: []string{"Content-Type", aBatch}, status: 200, want: `[{"status":200,"headers":{"content-range":"*/*","content-location":"/secrets?id=eq.2","content-type"`},
	{id: "B3", request: `POST /`, body: `[{"method":"POST","path":"/secrets","body":{"id":5,"owner":"ann"}},{"method":"POST","path":"/secrets","body":{"id":6,"owner":"bo"}}]`, headers: []string{"Content-Type", aBatch}, status: 403, want: `42501`},
	{id: "B3", request: `POST /`, body: `[{"method":"GET","path":"/books","headers":{"Authorization":"Bearer x","Role":"postgres"}}]`, headers: []string{"Content-Type", aBatch}, status: 400, want: `PGRST150`},
	{id: "B3", request: `POST /`, body: `[{"method":"GET","path":"/books?title=eq.{#/0/body}"}]`, headers: []string{"Content-Type", aBatch}, status: 400, want: `PGRST151`},
	{id: "B3", request: `POST /`, body: `[{"method":"POST","path":"/","body":[]}]`, headers: []string{"Content-Type", aBatch}, status: 405, want: `PGRST117`},
	{id: "B3", request: `POST /`, body: `[{"method":"GET","path":"/rpc/back?value=` + in(`1&id=gt.0`) + `"},{"method":"GET","path":"/books?select=id&id=eq.{#/0/body}"}]`, headers: []string{"Content-Type", aBatch}, status: 400, want: `22P02`},
	{id: "B3", request: `POST /`, body: `[{"method":"GET","path":"/rpc/back?value=` + in(`1;drop table api.books`) + `"},{"method":"GET","path":"/{#/0/body}"}]`, headers: []string{"Content-Type", aBatch}, status: 404, want: `PGRST205`},
	{id: "B3", request: `POST /`, body: `[{"method":"GET","path":"/rpc/add?a=1&b=2"},{"method":"GET","path":"/books?id=eq.{#/0/body}{#/1/body}"}]`, headers: []string{"Content-Type", aBatch}, status: 400, want: `PGRST151`},
	{id: "B3", request: `POST /`, body: `[` + times(`{"method":"GET","path":"/books"},`, 100) + `{"method":"GET","path":"/books"}]`, headers: []string{"Content-Type", aBatch}, status: 413, want: `PGRST152`},
	{id: "B3", request: `POST /`, body: times("[", 100_000), headers: []string{"Content-Type", aBatch}, status: 400, want: `PGRST150`},
	{id: "B3", request: `POST /`, body: `[{"method":"GET; drop","path":"/books"}]`, headers: []string{"Content-Type", aBatch}, status: 400, want: `PGRST150`},
	{id: "B3", request: `POST /`, body: `[{"method":"GET","path":"/books\r\nX-A: b"}]`, headers: []string{"Content-Type", aBatch}, status: 400, want: `PGRST150`},

	// B4: rows on lines, and by their key.
	{id: "B4", request: `POST /books`, body: `{"title) values (1);--":1}`, headers: []string{"Content-Type", onLines}, status: 400, want: `PGRST204`},
	{id: "B4", request: `POST /books`, body: "{\"title\":\"a\"}\n" + times("[", 100_000), headers: []string{"Content-Type", onLines}, status: 400, want: `PGRST102`},
	{id: "B4", request: `POST /books`, body: "{\"title\":\"a\"}\n{\"title\":\"\xff\"}", headers: []string{"Content-Type", onLines}, status: 400, want: `PGRST102`},
	{id: "B4", request: `POST /secrets`, body: "{\"id\":5,\"owner\":\"ann\"}\n{\"id\":6,\"owner\":\"bo\"}", headers: []string{"Content-Type", onLines}, status: 403, want: `42501`},
	{id: "B4", request: `PATCH /secrets`, body: `[{"id":1,"words":"x"},{"id":2,"words":"x"}]`, headers: []string{"Content-Type", aRows, "Prefer", rollback}, status: 200, want: `[{"id":1,"owner":"ann","words":"x"}]`},
	{id: "B4", request: `PATCH /books`, body: `[{"id":"1) or (1=1","title":"x"}]`, headers: []string{"Content-Type", aRows}, status: 400, want: `22P02`},
	{id: "B4", request: `PATCH /books`, body: `[{"id":1,"title\" = ''; drop table api.books; --":"x"}]`, headers: []string{"Content-Type", aRows}, status: 400, want: `PGRST204`},
	{id: "B4", request: `PATCH /staff`, body: `[{"name":"Ann","pay":1}]`, headers: []string{"Content-Type", aRows}, status: 403, want: `42501`},
	{id: "B4", request: `DELETE /owners?select=name,secrets(id)&secrets=is.null`, headers: []string{"Prefer", rollback}, status: 409, want: `23503`},
	{id: "B4", request: `GET /secrets?select=id`, headers: []string{"Accept", onLines}, status: 200, want: `{"id":1}`},
	{id: "B4", request: `GET /staff`, headers: []string{"Accept", onLines}, status: 403, want: `42501`},

	// B5: entity tags.
	{id: "B5", request: `PATCH /books?id=eq.1`, body: `{"title":"x"}`, headers: []string{"If-Match", `"'; drop table api.books; --"`}, status: 412, want: `PGRST155`},
	{id: "B5", request: `PATCH /books?id=eq.1`, body: `{"title":"x"}`, headers: []string{"If-Match", times(`"a",`, 10_000) + `"b"`}, status: 412, want: `PGRST155`},
	{id: "B5", request: `DELETE /secrets?id=eq.2`, headers: []string{"If-Match", `*`}, status: 412, want: `PGRST155`},
	{id: "B5", request: `GET /secrets?id=eq.2`, headers: []string{"If-None-Match", `*`}, status: 200, want: `[]`},

	// B6: conditions on aggregates, distinct rows.
	{id: "B6", request: `GET /books?select=author_id,n:count()&n=gt.` + in(`1) or (1=1`), status: 400, want: `22P02`},
	{id: "B6", request: `GET /books?select=author_id,n:count(distinct);drop()`, status: 400, want: `PGRST100`},
	{id: "B6", request: `GET /staff?select=name,n:pay.max()&n=gt.1`, status: 403, want: `42501`},
	{id: "B6", request: `GET /secrets?select=owner,n:count()&n=gt.0`, status: 200, want: `[{"owner":"ann","n":1}]`},
	{id: "B6", request: `GET /staff?select=distinct(),pay`, status: 403, want: `42501`},

	// B7: time and cost.
	{id: "B7", request: `GET /books?select=id&id=eq.1`, headers: []string{"Prefer", `timeout=1';drop table api.books;--`}, status: 200, want: `[{"id":1}]`},
	{id: "B7", request: `GET /books?select=id&id=eq.1`, headers: []string{"Prefer", `timeout=99999999999999999999`}, status: 200, want: `[{"id":1}]`},
	{id: "B7", request: `GET /books?select=id&id=eq.1`, headers: []string{"Prefer", `handling=strict, timeout=-1`}, status: 400, want: `PGRST122`},
	{id: "B7", request: `GET /books?select=id&id=eq.1`, headers: []string{"Prefer", `handling=strict, read=primary'--`}, status: 400, want: `PGRST122`},
}
