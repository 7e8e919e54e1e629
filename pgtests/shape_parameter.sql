-- Parameters as shapes and values. In what is compared, | stands for chr(31), : for chr(30), # for the placeholder chr(1).
begin;
select no_plan();

create function pg_temp.shown(shape text) returns text language sql as $$ select translate(shape, E'\x1f\x1e\x01\x02', '|:#@') $$;
create function pg_temp.shaped(query text, path text default '/films') returns text language sql as $$
  select coalesce(string_agg(pg_temp.shown(piece[1]) || ' ' || piece[2], ' ' order by place), '')
  from string_to_table(nullif(postern.query_pairs(query), ''), E'\x1f') with ordinality as pairs(pair, place),
    lateral (select postern.shape_parameter(pair, jsonb_build_object('path', path)) as piece) as made $$;

select is(pg_temp.shaped(query), wanted, query)
from (values
  ('id=eq.1', '|id:eq:# ,''1'''),
  ('id=not.eq.1', '|id:not.eq:# ,''1'''),
  ('a.b=eq.x.y', '|a.b:eq:# ,''x.y'''),
  ('id=eq.', '|id:eq:# ,'''''),
  ('id=in.(1,"2,3")', '|id:in:# ,''{"1","2,3"}'''),
  ('id=in.()', '|id:in:# ,''{}'''),
  ('id=not.in.(1)', '|id:not.in:# ,''{"1"}'''),
  ('id=is.null', '|id:is:null '),
  ('id=like(any).{a,b}', '|id:like(any):# ,''{a,b}'''),
  ('t=fts(english).fat', '|t:fts(english):# ,''fat'''),
  ('id=xx.1', '|id:xx:1 '),
  ('select=id,name', '|select::id,name '),
  ('order=id.desc', '|order:id:desc '),
  ('films.order=id', '|films.order::id '),
  ('columns=a,b', '|columns::a,b '),
  ('on_conflict=a', '|on_conflict::a '),
  ('limit=999', '|limit::999 '),
  ('limit=1000', '|limit::# ,''1000'''),
  ('films.offset=10', '|films.offset::# ,''10'''),
  ('limit=ten', '|limit::ten '),
  ('limit=-1', '|limit::-1 '),
  ('limit=1e3', '|limit::1e3 '),
  ('limit=99999999999999999999', '|limit::99999999999999999999 '),
  ('limit=0x10', '|limit::0x10 '),
  ('and=(a.eq.1,b.eq.2)', '|and::(a.eq.#,b.eq.#) ,''1'',''2'''),
  -- What quotes and backslashes are in a value, stays in it.
  ('t=eq.it''s', '|t:eq:# ,''it''''s'''),
  ('t=eq.a\b', '|t:eq:# ,E''a\\b'''),
  ('t=eq.''); drop table films; --', '|t:eq:# ,''''''); drop table films; --'''),
  ('t=eq.$1', '|t:eq:# ,''$1'''),
  ('t=eq.$$x$$', '|t:eq:# ,''$$x$$''')
) as cases(query, wanted);

select is(pg_temp.shaped(query, '/rpc/add'), wanted, 'call: ' || query)
from (values
  ('a=1', '|a::# ,''1'''),
  ('a=', '|a::# ,'''''),
  ('a=x.y', '|a::# ,''x.y'''),
  ('a=eq.1', '|a:eq:# ,''1'''),
  ('a=not.eq.1', '|a:not.eq:# ,''1'''),
  ('limit=1', '|limit::1 '),
  ('select=a', '|select::a ')
) as cases(query, wanted);

-- The root may be a call.
select is(pg_temp.shaped('a=1&b=x.y&c=eq.1', path), wanted, 'path ' || path)
from (values
  ('/', '|a::# ,''1'' |b::# ,''x.y'' |c:eq:# ,''1'''), ('', '|a::# ,''1'' |b::# ,''x.y'' |c:eq:# ,''1'''),
  ('//', '|a::# ,''1'' |b::# ,''x.y'' |c:eq:# ,''1'''), ('/rpcs', '|a::1  |b:x:y  |c:eq:# ,''1''')
) as cases(path, wanted);
select is(postern.is_call(path), wanted, path)
from (values ('/', true), ('', true), ('///', true), ('/rpc/f', true), ('/rpc', false), ('/films', false), ('//films', false), ('/x/rpc/f', false), (E'/films\n/rpc/f', false))
  as cases(path, wanted);

-- The query string.
select is(pg_temp.shown(postern.query_pairs(query)), wanted, 'query: ' || query)
from (values
  ('', ''), ('a=b', 'a::b'), ('a=b.c.d', 'a:b:c.d'), ('a=b+%63', 'a::b c'), ('a', ''), ('a=&b', 'a::'), ('=x', ''), ('a=.x', 'a::.x'), ('a=b=c', 'a::b=c'),
  ('%61%2Eb=eq%2E1', 'a.b:eq:1'), ('a=1&a=2', 'a::1|a::2')
) as cases(query, wanted);
select is(testing.failure(format('select postern.query_pairs(%L)', query)), 'PGRST100', 'query: ' || query)
from unnest('{a=%01,a=%02x,%02a=x,a%1Fb=c,a=%1E,a=%00,a=%,%zz=1,a=%ff}'::text[]) as query;

-- Logic trees.
select is(pg_temp.shown((postern.shape_logic('or', tree))[1]) || ' ' || (postern.shape_logic('or', tree))[2], '|or::' || wanted, tree)
from (values
  ('(a.eq.1)', '(a.eq.#) ,''1'''),
  ('(a.eq.1,b.not.lt.2)', '(a.eq.#,b.not.lt.#) ,''1'',''2'''),
  ('(a.in.(1,2),b.is.null)', '(a.in.#,b.is.null) ,''{"1","2"}'''),
  ('(a.in.("x,y)","z"))', '(a.in.#) ,''{"x,y)","z"}'''),
  ('(a.eq."x,y)\"z")', '(a.eq.#) ,''x,y)"z'''),
  ('(a.eq."b\\c")', '(a.eq.#) ,E''b\\c'''),
  ('(a.cs.{1,2},b.eq.3)', '(a.cs.#,b.eq.#) ,''{1,2}'',''3'''),
  ('(a.eq.b.eq.c)', '(a.eq.#) ,''b.eq.c'''),
  ('("eq.1".eq.2)', '("eq.1".eq.#) ,''2'''),
  ('(and(a.eq.1,not.or(b.eq.2,c.like(any).{x*})),d.gt.4)', '(and(a.eq.#,not.or(b.eq.#,c.like(any).#)),d.gt.#) ,''1'',''2'',''{x%}'',''4'''),
  ('(a.fts(english).x)', '(a.fts(english).#) ,''x'''),
  ('(a.eq.it''s)', '(a.eq.#) ,''it''''s'''),
  ('(a.eq.)', '(a.eq.#) ,''''')
) as cases(tree, wanted);
select is(testing.failure(format('select postern.shape_logic(%L, %L)', 'or', tree)), null, 'no error of its own: ' || tree)
from unnest(array['', '(', ')', '((((', '(a.in.(', '(a.eq."', '"', '\', '(a.in.("x)', '{', '(a.cs.{', ',,,', '()', 'a.eq.1', E'(a\n.eq.\n1)']) as tree;

-- Ranges.
select is(pg_temp.shown((postern.shape_range(range))[1]) || (postern.shape_range(range))[2], wanted, range)
from (values
  ('0-9', '|@range::,''0'',''9'''), ('5-', '|@range::,''5'',null'), ('3-3', '|@range::,''3'',''3'''), ('', ''), ('a-b', ''), ('bytes=0-1', ''), ('-5', ''),
  ('0-9,20-29', ''), ('0', ''), ('99999999999999999999-', '|@range::,''999999999999999999'',null'), (' 0-9', '')
) as cases(range, wanted);
select is(testing.failure($$ select postern.shape_range('3-1') $$), 'PGRST103', 'upside down');
select is(postern.range_limit(first, last, skip, count), wanted::bigint, concat_ws(' ', first, last, skip, count))
from (values (0, 9, 0, null, 10), (0, null, 0, null, null), (0, null, 0, 5, 5), (2, 9, 0, 5, 3), (0, 9, 5, 2, 2), (3, 3, 0, null, 1), (0, 9, 0, 0, 0))
  as cases(first, last, skip, count, wanted);
select is(testing.failure($$ select postern.range_limit(5, 9, 0, 3) $$), 'PGRST103', 'a range and a limit that do not meet');

-- No shape holds a value, and each value is one literal.
select is(testing.failure(format('prepare p_%s(text) as select $1', place)) || testing.failure(format('execute p_%s(%s)', place, ltrim(piece[2], ','))), null, 'a literal: ' || value)
from unnest(array['''', '''''', '\''', E'\\', '$$', '$1', '--', '/*', E'a\nb', '%', repeat('''', 99)]) with ordinality as attacks(value, place),
  lateral (select postern.shape_parameter(concat('a', E'\x1e', 'match', E'\x1e', value), '{"path": "/x"}') as piece) as made;

select * from finish();
rollback;
