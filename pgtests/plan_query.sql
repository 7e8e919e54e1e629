-- The query string as trees; # is what the shell puts for a value that it has cut out.
begin;
select no_plan();

select is(testing.trees(target, method) - 'select', wanted::jsonb, method || ' ' || target)
from (values
  ('GET', '/films?id=eq.1', '{"entries": [{"kind": "filter", "embed": [], "name": "id", "expr": {"operator": "eq", "value": "1"}}], "arguments": [], "next": 3}'),
  ('GET', '/films?id=not.in.#&a.limit=#', '{"entries": [{"kind": "filter", "embed": [], "name": "id", "expr": {"operator": "in", "not": true, "param": 3}}, {"kind": "limit", "embed": ["a"], "param": 4}],
    "arguments": [], "next": 5}'),
  ('GET', '/films?id=eq.a%01', '{"entries": [{"kind": "filter", "embed": [], "name": "id", "expr": {"operator": "eq", "value": "a\u0001"}}], "arguments": [], "next": 4}'), -- counts, but stands for nothing
  ('GET', '/films?columns=a&on_conflict=b&id=is.null', '{"entries": [{"kind": "filter", "embed": [], "name": "id", "expr": {"operator": "is", "value": "null"}}], "arguments": [], "next": 3}'),
  ('POST', '/films?columns=a,"b,c"&on_conflict=b', '{"columns": ["a", "b,c"], "on_conflict": ["b"], "entries": [], "arguments": [], "next": 3}'),
  ('GET', '/rpc/f?a=#&b=2&c=eq.#&order=a', '{"entries": [{"kind": "filter", "embed": [], "name": "c", "expr": {"operator": "eq", "param": 4}},
    {"kind": "order", "embed": [], "terms": [{"name": "a"}]}], "arguments": [{"name": "a", "param": 3}, {"name": "b", "value": "2"}], "next": 5}')
) as cases(method, target, wanted);
select is(testing.trees('/films') -> 'select', '[{"type": "field", "name": "*"}]', 'all columns where none are named');
select is(postern.query_trees('id=eq.%01&limit=%01', false, false, null) -> 'entries' -> 0 -> 'expr' ->> 'value', E'\x01', 'a placeholder is a value where none are cut out');
select is(testing.failure(format('select testing.trees(%L)', target)), 'PGRST100', target)
from unnest('{/films?id=1,/films?id=,/films?order=a.up,/films?select=a(,/films?or=(a),/rpc/f?a=not.x,/films?id.eq.1=x}'::text[]) as target;

select is(postern.is_operation(value), wanted, 'is_operation ' || value)
from (values ('eq.1', true), ('not.eq.1', true), ('not.x', true), ('fts(english).x', true), ('eq(any).{1}', true), ('isdistinct.1', true),
  ('1', false), ('', false), ('x.y', false), ('eq', false), ('1.eq.2', false), ('Eq.1', false), ('fts(a b).x', false)) as cases(value, wanted);

select * from finish();
rollback;
