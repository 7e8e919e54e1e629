package pgtests

import (
	"context"
	"testing"
)

// A request that is being compiled when an upgrade takes away a function, which the function that runs is about to call, is compiled
// by the newer functions.
func TestUpgradeWhileCompiling(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	owner, client := connect(t, database), connect(t, database)
	execute(t, owner, `
		do $$
		begin
		  execute replace(pg_get_functiondef('postern.plan_root'::regproc), E'\nbegin', E'\nbegin perform pg_advisory_xact_lock_shared(4713);');
		end
		$$;
		select pg_advisory_lock(4713)`)
	answered := make(chan string, 1)
	go func() {
		answer, err := get(context.Background(), client, "/films?select=id&id=eq.1")
		if err != nil {
			answer = err.Error()
		}
		answered <- answer
	}()
	for waiting := 0; waiting == 0; {
		if len(answered) > 0 {
			t.Fatalf("it is not compiled: %s", <-answered)
		}
		const query = "select count(*) from pg_locks where locktype = 'advisory' and objid = 4713 and not granted"
		if err := owner.QueryRow(t.Context(), query).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, owner, `
		do $$
		declare
		  one regprocedure;
		begin
		  for one in
		    select oid from pg_proc where pronamespace = 'postern'::regnamespace and concat(proname, ' ', prosrc) ~ '\mcompiled_statement\M'
		  loop
		    execute replace(pg_get_functiondef(one), 'compiled_statement', 'statement_compiled');
		  end loop;
		  drop function postern.compiled_statement;
		  perform postern.advance_epoch();
		end
		$$`)
	execute(t, owner, "select pg_advisory_unlock(4713)")
	if answer := <-answered; answer != `200 [{"id":1}]` {
		t.Error(answer)
	}
}
