package pgtests

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestOracle makes schemas and requests at random and compares each answer, and for a write what the tables hold after it, with those
// of a query that the test writes plainly and executes under SET ROLE. A request is sent to postern.handle in SQL and, with other values,
// three times by HTTP: compiled, executed unnamed, and prepared. No answer has the name of what no role may see.
// POSTERN_SEED chooses the first schema, POSTERN_SOAK=1 makes it ten minutes.
func TestOracle(t *testing.T) {
	t.Parallel()
	limit, seed := trial(t, 30*time.Second)
	tried := make(map[string]int)
	start := time.Now()
	schemas := 0
	for ; time.Since(start) < limit && !t.Failed(); schemas++ {
		t.Run(fmt.Sprint("schema ", schemas), func(t *testing.T) {
			o := newOracle(t, seed+uint64(schemas), tried)
			until := start.Add(limit)
			for n := 0; n < 60 && time.Now().Before(until) && !t.Failed(); n++ {
				o.ask(t)
			}
			if !t.Failed() {
				o.match(t)
			}
			if !t.Failed() {
				o.probe(t)
			}
		})
	}
	var report []string
	for kind, n := range tried {
		report = append(report, fmt.Sprintf("%s %d", kind, n))
	}
	sort.Strings(report)
	t.Logf("%d schemas, from seed %d, in %v: %s", schemas, seed, time.Since(start).Round(time.Second), strings.Join(report, ", "))
	if tried["answered"] == 0 {
		t.Error("no request was answered")
	}
}

// oracle compares the answers of one schema.
type oracle struct {
	*rand.Rand
	s       *schema
	seed    uint64
	conn    *pgx.Conn
	shell   *client
	known   *vocabulary
	tried   map[string]int
	version int // PostgreSQL's, the major one
}

const oracleRoles = `
do $$
begin
  perform pg_advisory_xact_lock(7);
  if not exists (select from pg_roles where rolname = 'oracle_all') then
    create role oracle_all;
    create role oracle_some;
    grant oracle_all, oracle_some to store_login;
  end if;
end $$`

func newOracle(t *testing.T, seed uint64, tried map[string]int) *oracle {
	t.Helper()
	o := &oracle{Rand: rand.New(rand.NewPCG(seed, 13)), seed: seed, tried: tried}
	database := newDatabase(t)
	o.conn = connect(t, database)
	execute(t, o.conn, oracleRoles)
	if err := o.conn.QueryRow(context.Background(), "select current_setting('server_version_num')::int / 10000").Scan(&o.version); err != nil {
		t.Fatal(err)
	}
	o.s = newSchema(o.Rand, o.version)
	for _, text := range slices.Concat(o.s.ddl, o.s.data) {
		if _, err := o.conn.PgConn().Exec(context.Background(), text).ReadAll(); err != nil {
			t.Fatalf("seed %d: %v\nin: %s\nbehind:\n%s", seed, located(err, text), text, strings.Join(o.s.ddl, ";\n"))
		}
	}
	execute(t, o.conn, "analyze")
	o.known = newVocabulary(t, o.conn, o.s.name)
	o.shell = serveHTTP(t, database, "PGRST_DB_POOL=1", "PGRST_DB_SCHEMAS="+o.s.name, "PGRST_DB_EXTRA_SEARCH_PATH=").client()
	t.Cleanup(o.shell.close)
	return o
}

// expected is what the plain query says.
type expected struct {
	code         string // SQLSTATE or a code of PostgREST's; "" for none
	message      string
	body         string
	count, total int64
	after        string // what the tables hold
}

// claims are those of a role's token.
func claims(role string) string {
	return fmt.Sprintf(`{"role":"%s","tenant":%d}`, role, map[string]int{"oracle_all": 1, "oracle_some": 2}[role])
}

// reset restarts all sequences, as those are not rolled back.
func (o *oracle) reset(t *testing.T) {
	execute(t, o.conn, "select setval(c.oid, 40, false) from pg_class as c where c.relkind = 'S' and c.relnamespace = "+literal(o.s.quoted)+"::regnamespace")
}

// holds tells what all tables hold.
func (o *oracle) holds(t *testing.T) string {
	var parts []string
	for _, one := range o.s.relations {
		if !one.view {
			parts = append(parts, fmt.Sprintf("coalesce((select string_agg(x::text, E'\\n' order by x::text) from %s as x), '')", one.quoted))
		}
	}
	var all string
	if err := o.conn.QueryRow(context.Background(), "select concat_ws(E'\\n--\\n', "+strings.Join(parts, ", ")+")").Scan(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// under runs something as a role, in a transaction that is rolled back.
func (o *oracle) under(t *testing.T, role string, readOnly bool, run func(pgx.Tx) error) (after string, err error) {
	ctx := context.Background()
	transaction, err := o.conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = transaction.Rollback(ctx) }()
	if _, err := transaction.Exec(ctx, "select set_config('request.jwt.claims', $1, true), set_config('search_path', $2, true), set_config('role', $3, true)",
		claims(role), o.s.quoted, role); err != nil {
		t.Fatal(err)
	}
	if readOnly {
		if _, err := transaction.Exec(ctx, "set transaction_read_only = on"); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(transaction); err != nil {
		return "", err
	}
	if !readOnly {
		if _, err := transaction.Exec(ctx, "set constraints all immediate; reset role"); err != nil {
			return "", err
		}
		return o.holds(t), nil
	}
	return "", nil
}

// expect asks the plain query.
func (o *oracle) expect(t *testing.T, q *question, query string) (want expected) {
	t.Helper()
	if q.failures != nil {
		return expected{code: strings.Join(q.failures, " ")}
	}
	readOnly := q.method == http.MethodGet || q.method == http.MethodHead || q.call != nil && !q.call.volatile
	after, err := o.under(t, q.role, readOnly, func(transaction pgx.Tx) error {
		if q.call != nil && q.call.void {
			_, err := transaction.Exec(context.Background(), query)
			return err
		}
		var body *string
		err := transaction.QueryRow(context.Background(), query).Scan(&body, &want.count, &want.total)
		if body != nil {
			want.body = *body
		}
		return err
	})
	var failed *pgconn.PgError
	if errors.As(err, &failed) {
		return expected{code: failed.Code, message: failed.Message}
	} else if err != nil {
		t.Fatalf("%v\nin: %s", err, query)
	}
	want.after = after
	if q.single && want.count != 1 {
		return expected{code: "PGRST116"}
	}
	return want
}

// ask makes a request and sends it each way.
func (o *oracle) ask(t *testing.T) {
	q := newQuestion(&asker{Rand: o.Rand, s: o.s})
	writes := q.method != http.MethodGet && q.method != http.MethodHead && (q.call == nil || q.call.volatile)
	for attempt := range 4 {
		if attempt > 0 {
			q.redraw()
		}
		r := q.request()
		if q.method == http.MethodGet && len(r.target)%8 == 0 { // no draw: the others stay as they were
			r = byQuery(r)
			o.tried["QUERY"]++
		}
		query := q.plainSQL()
		if writes {
			o.reset(t)
		}
		want := o.expect(t, q, query)
		if writes {
			o.reset(t)
		}
		how := []string{"by handle", "compiled", "unnamed", "prepared"}[attempt]
		var got httpAnswer
		var after string
		if attempt == 0 {
			got, after = o.handle(t, q, r)
		} else {
			var err error
			if got, err = o.send(q, r); err != nil {
				t.Fatalf("%v", err)
			}
			if writes {
				after = o.holds(t)
				if got.status < 300 {
					o.restore(t)
				}
			}
		}
		o.tried[q.kind]++
		if want.code == "" {
			o.tried["answered"]++
		} else {
			o.tried["refused"]++
			o.tried[q.kind+" "+want.code]++
		}
		if problem := o.compare(t, q, r, want, got, after, writes); problem != "" {
			t.Errorf("seed %d, %s as %s: %s\n%s %s\n%s\n%s\nplainly: %s\nwant %s %s%s (%d of %d)\ngot  %d %v %s\n%s\nDDL:\n%s", o.seed, how, q.role, problem, r.method, unescaped(r.target), r.headers, r.body, query,
				want.code, want.message, want.body, want.count, want.total, got.status, got.headers, got.body, changed(want.after, after), strings.Join(slices.Concat(o.s.ddl, o.s.data), ";\n"))
			return
		}
		if attempt == 3 && q.method == http.MethodGet && got.status == http.StatusOK && len(q.prefer) == 0 && len(r.target)%4 == 1 && q.call == nil {
			o.retag(t, q, r)
		}
	}
}

// byQuery makes a QUERY of a GET, with the query in its body.
func byQuery(r request) request {
	path, query, _ := strings.Cut(r.target, "?")
	headers := "content-type: application/x-www-form-urlencoded"
	if r.headers != "" {
		headers = r.headers + "\n" + headers
	}
	return request{"QUERY", path, headers, []byte(query)}
}

// settings returns the member settings of a request to postern.handle.
func (o *oracle) settings(t *testing.T, plans bool) string {
	t.Helper()
	settings, err := json.Marshal(map[string]any{"settings": map[string]any{
		"db_schemas": []string{o.s.name}, "db_extra_search_path": []string{}, "db_aggregates_enabled": true, "db_plan_enabled": plans,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(settings)
}

// deniedTable is PostgreSQL's message where rights are missing to a table, not to a view.
var deniedTable = regexp.MustCompile("^permission denied for table (.*)$")

// leavesOut reports whether the plan of a read has no scan of the table, nor of a partition of it, that PostgreSQL denies where it is
// asked plainly.
func (o *oracle) leavesOut(t *testing.T, q *question, r request, message string) bool {
	t.Helper()
	denied := deniedTable.FindStringSubmatch(message)
	if denied == nil || strings.Contains(r.headers, "accept:") {
		return false
	}
	r.headers = "accept: application/vnd.pgrst.plan+json\n" + r.headers
	text, ok := r.json()
	if !ok {
		t.Fatalf("%q", r)
	}
	plan := ""
	if _, err := o.under(t, q.role, true, func(transaction pgx.Tx) error {
		return transaction.QueryRow(t.Context(), "select convert_from(body, 'UTF8') from postern.handle($1::jsonb || $2::jsonb)", text, o.settings(t, true)).
			Scan(&plan)
	}); err != nil {
		t.Fatal(err)
	}
	scanned := `"Relation Name": "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(denied[1])
	return strings.Contains(plan, `"Plan"`) && !strings.Contains(plan, scanned+`"`) && !strings.Contains(plan, scanned+" p")
}

// handle asks postern.handle in SQL, and has the statement that it compiled looked at.
func (o *oracle) handle(t *testing.T, q *question, r request) (answer httpAnswer, after string) {
	t.Helper()
	text, ok := r.json()
	if !ok {
		t.Fatalf("%q", r)
	}
	statement := ""
	after, err := o.under(t, q.role, false, func(transaction pgx.Tx) error {
		var headers [][]string
		err := transaction.QueryRow(context.Background(), "select status, headers, body, coalesce(statement, '') from postern.handle($1::jsonb || $2::jsonb, $3)", text, o.settings(t, false), r.body).
			Scan(&answer.status, &headers, &answer.body, &statement)
		answer.headers = make(http.Header)
		for _, header := range headers {
			answer.headers.Add(header[0], header[1])
		}
		return err
	})
	if err != nil {
		t.Fatalf("seed %d: %s\n%s\n%s: %v", o.seed, r.target, r.headers, r.body, err)
	}
	if statement != "" {
		o.known.inspect(t, r, statement, q.named())
		o.tried["statements inspected"]++
	}
	return answer, after
}

func (o *oracle) send(q *question, r request) (httpAnswer, error) {
	o.shell.token = tokenOf(claims(q.role))
	r, ok := sendable(r)
	if !ok {
		return httpAnswer{}, fmt.Errorf("HTTP cannot carry %q", r.target)
	}
	return o.shell.do(r)
}

// restore puts the rows back. It runs no DDL that the epoch heeds.
func (o *oracle) restore(t *testing.T) {
	var names []string
	for _, one := range o.s.relations {
		if !one.view {
			names = append(names, one.quoted)
		}
	}
	execute(t, o.conn, "begin; set local session_replication_role = replica; delete from "+strings.Join(names, "; delete from ")+"; "+strings.Join(o.s.data, "; ")+"; commit")
}

// compare says in what an answer is not what is expected.
func (o *oracle) compare(t *testing.T, q *question, r request, want expected, got httpAnswer, after string, writes bool) string {
	if problem := leak(r, got); problem != "" {
		return problem
	}
	if want.code != "" {
		if o.version >= 16 && want.code == "42501" && q.method == http.MethodHead && got.status < 300 && len(got.body) == 0 {
			return "" // the planner of these versions leaves out the to-many embed that no answer to HEAD shows
		}
		if want.code == "42501" && !writes && got.status < 300 && (string(got.body) == "[]" || o.leavesOut(t, q, r, want.message)) {
			return "" // and any planner a relation behind conditions that exclude each other: no row is read
		}
		// Of two things that are wrong, a name that a spread makes twice is found first.
		if code := got.code(); code != "42702" && !slices.Contains(strings.Fields(want.code), code) {
			return "expected " + want.code + ", not " + code
		}
		return ""
	}
	if got.status >= 300 && !(q.count && got.status == 416) {
		return "an error"
	}
	if writes && want.after != after {
		return "another content"
	}
	if q.kind == "read" || q.call != nil && q.root != nil && q.call.set {
		offset := int64(max(0, q.root.offset))
		status, span, total := 200, "*", "*"
		if q.count {
			total = strconv.FormatInt(want.total, 10)
			switch {
			case offset > want.total:
				if got.status != 416 {
					return "expected 416"
				}
				return ""
			case want.count < want.total:
				status = 206
			}
		}
		if want.count > 0 {
			span = fmt.Sprintf("%d-%d", offset, offset+want.count-1)
		}
		if got.status != status {
			return fmt.Sprintf("expected status %d", status)
		}
		expected := span + "/" + total
		if q.lines && !q.cursor && q.method != http.MethodHead && !q.count {
			expected = "" // how many there are is not known yet
		}
		if header := got.headers.Get("Content-Range"); header != expected {
			return "expected Content-Range " + expected
		}
	}
	switch {
	case q.method == http.MethodHead || !q.shown || q.call != nil && q.call.void:
		if len(got.body) > 0 {
			return "a body"
		}
	case q.csv:
		if wanted, err := csvText(want.body); err != nil || wanted != string(got.body) {
			return fmt.Sprintf("expected %q (%v)", wanted, err)
		}
	default:
		wanted := want.body
		if q.single {
			wanted = strings.TrimSuffix(strings.TrimPrefix(wanted, "["), "]")
		}
		if q.lines {
			got.body = arrayOf(got.body)
		}
		ordered := q.root != nil && q.root.ordered()
		a, errA := canonical([]byte(wanted), ordered)
		b, errB := canonical(got.body, ordered)
		if errA != nil || errB != nil || a != b {
			return fmt.Sprintf("another body (%v, %v)", errA, errB)
		}
	}
	return ""
}

// arrayOf makes an array of lines, each of which is a JSON value.
func arrayOf(lines []byte) []byte {
	for line := range bytes.Lines(lines) {
		if !json.Valid(line) {
			return line // which is no array either
		}
	}
	return slices.Concat([]byte("["), bytes.ReplaceAll(bytes.TrimSuffix(lines, []byte("\n")), []byte("\n"), []byte(",")), []byte("]"))
}

// ordered reports whether all rows have an order.
func (n *node) ordered() bool {
	for _, i := range n.items {
		if i.embed != nil && !i.embed.node.ordered() {
			return false
		}
	}
	return n.total
}

// code is that of an error.
func (a httpAnswer) code() string {
	_, code, _ := strings.Cut(a.headers.Get("Proxy-Status"), "error=")
	return code
}

// canonical is JSON without blanks, objects as they are; arrays are sorted where rows have no order.
func canonical(text []byte, ordered bool) (string, error) {
	if ordered {
		var b bytes.Buffer
		err := json.Compact(&b, text)
		return b.String(), err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	made, err := sorted(decoder)
	if _, more := decoder.Token(); err == nil && more != io.EOF {
		err = errors.New("more than one value")
	}
	return made, err
}

func sorted(decoder *json.Decoder) (string, error) {
	token, err := decoder.Token()
	if err != nil {
		return "", err
	}
	opened, ok := token.(json.Delim)
	if !ok {
		made, err := json.Marshal(token)
		return string(made), err
	}
	var parts []string
	for decoder.More() {
		part, err := sorted(decoder)
		if err != nil {
			return "", err
		}
		if opened == '{' {
			value, err := sorted(decoder)
			if err != nil {
				return "", err
			}
			part += ":" + value
		}
		parts = append(parts, part)
	}
	if opened == '[' {
		sort.Strings(parts)
	}
	closed, err := decoder.Token()
	return opened.String() + strings.Join(parts, ",") + fmt.Sprint(closed), err
}

// changed tells which lines are only in one of two texts.
func changed(want, got string) string {
	var lines []string
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			lines = append(lines, "- "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			lines = append(lines, "+ "+line)
		}
	}
	return strings.Join(lines, "\n")
}

// leak reports whether an answer has the name of what no role may see, though the request has not.
func leak(r request, got httpAnswer) string {
	if strings.Contains(unescaped(r.target)+r.headers+string(r.body), secret) || strings.HasPrefix(got.code(), "23") || got.code() == "42501" {
		return "" // PostgreSQL names the constraints that it checks, also those of tables behind views, and what it denies
	}
	if bytes.Contains(got.body, []byte(secret)) || strings.Contains(fmt.Sprint(got.headers), secret) {
		return "it names what is secret"
	}
	return ""
}
