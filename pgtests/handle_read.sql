-- Reads, from the request to the answer.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["store", "other"], "db_aggregates_enabled": true}', true);

select is(testing.get(target), '200 ' || wanted, target)
from (values
  -- Filters.
  ('/films?id=eq.1&select=id,title', '[{"id":1,"title":"Vagabond"}]'),
  ('/films?id=gt.3&select=id', '[{"id":4},{"id":5}]'),
  ('/films?id=not.gt.1&select=id', '[{"id":1}]'),
  ('/films?id=in.(1,3)&select=id', '[{"id":1},{"id":3}]'),
  ('/films?id=not.in.(1,3)&select=id', '[{"id":2},{"id":4},{"id":5}]'),
  ('/films?id=in.()&select=id', '[]'),
  ('/films?title=in.("No ""one"", (really)")&select=id', '[]'),
  ('/films?title=in.("No \"one\", (really)")&select=id', '[{"id":5}]'),
  ('/films?title=eq.No "one", (really)&select=id', '[{"id":5}]'),
  ('/films?year=is.null&select=id', '[{"id":5}]'),
  ('/films?year=not.is.null&year=lt.1980&select=id', '[{"id":3}]'),
  ('/films?title=like.*r*&select=id&order=id', '[{"id":3},{"id":5}]'),
  ('/films?title=ilike.*R*&select=id&order=id', '[{"id":2},{"id":3},{"id":5}]'),
  ('/films?title=like(any).{V*,I*}&select=id', '[{"id":1},{"id":3}]'),
  ('/films?title=match.^[VR]&select=id', '[{"id":1},{"id":2}]'),
  ('/films?tags=cs.{road}&select=id', '[{"id":1},{"id":4}]'),
  ('/films?tags=ov.{war,winter}&select=id', '[{"id":1},{"id":2}]'),
  ('/films?title=fts.king&select=id', '[]'),
  ('/details?synopsis=fts(english).kings&select=film_id', '[{"film_id":2}]'),
  ('/films?director_id=isdistinct.1&select=id', '[{"id":2},{"id":3},{"id":5}]'),
  ('/films?meta->length=gt.100&select=id', '[{"id":1},{"id":2}]'),
  ('/films?meta->cast->>0=eq.S. Bonnaire&select=id', '[{"id":1}]'),
  ('/films?or=(year.eq.1952,and(year.gt.2000,director_id.eq.1))&select=id', '[{"id":3},{"id":4}]'),
  ('/films?not.and=(id.lt.3,year.eq.1985)&select=id', '[{"id":3},{"id":4},{"id":5}]'),
  ('/films?mood=eq.calm&select=id', '[{"id":3},{"id":4}]'),
  ('/reviews?stars=gte.5&select=id', '[{"id":1},{"id":3}]'),
  ('/films?id=eq.%31&select=id', '[{"id":1}]'),
  -- Fields.
  ('/films?select=name:title,id::text&id=eq.2', '[{"name":"Ran","id":"2"}]'),
  ('/films?select=meta->length,meta->>length,meta->cast->0&id=eq.1',
    '[{"length":105,"length":"105","cast":"S. Bonnaire"}]'),
  ('/films?select=title,shouted&id=eq.2', '[{"title":"Ran","shouted":"RAN"}]'),
  ('/films?select=tags->0&id=eq.1', '[{"tags":"road"}]'),
  ('/keyless', '[]'),
  -- Order and page.
  ('/films?select=id&order=year.desc.nullslast,title.desc', '[{"id":4},{"id":1},{"id":2},{"id":3},{"id":5}]'),
  ('/films?select=id&order=year.asc.nullsfirst,id&limit=2', '[{"id":5},{"id":3}]'),
  ('/films?select=id&order=id&limit=2&offset=1', '[{"id":2},{"id":3}]'),
  ('/films?select=id&order=meta->length&limit=1', '[{"id":4}]'),
  ('/films?select=id&limit=0', '[]'),
  -- Embeds.
  ('/films?select=id,directors(name)&id=in.(1,5)&order=id', '[{"id":1,"directors":{"name":"Agnès Varda"}},{"id":5,"directors":null}]'),
  ('/directors?select=name,films(title)&id=eq.2&films.order=title', '[{"name":"Akira Kurosawa","films":[{"title":"Ikiru"},{"title":"Ran"}]}]'),
  ('/films?select=id,details(synopsis)&id=in.(1,3)', '[{"id":1,"details":{"synopsis":"A winter on the road"}},{"id":3,"details":null}]'),
  ('/details?select=film_id,films(title)&film_id=eq.2', '[{"film_id":2,"films":{"title":"Ran"}}]'),
  ('/films?select=id,actors(name)&id=eq.3&actors.order=name', '[{"id":3,"actors":[{"name":"Takashi"},{"name":"Tatsuya"}]}]'),
  ('/directors?select=id,films(id,reviews(stars))&id=eq.1&films.order=id&films.reviews.order=stars',
    '[{"id":1,"films":[{"id":1,"reviews":[{"stars":4},{"stars":5}]},{"id":4,"reviews":[]}]}]'),
  ('/directors?select=id,films(id)&films.order=id.desc&films.limit=1&order=id',
    '[{"id":1,"films":[{"id":4}]},{"id":2,"films":[{"id":3}]},{"id":3,"films":[]}]'),
  ('/directors?select=id,films!inner(id)&films.year=eq.1952', '[{"id":2,"films":[{"id":3}]}]'),
  ('/directors?select=id,films(id)&films.year=eq.1952&films=not.is.null', '[{"id":2,"films":[{"id":3}]}]'),
  ('/directors?select=id,films()&films=is.null', '[{"id":3}]'),
  ('/films?select=id,by:directors(name)&by.name=like.Ak*&id=lt.3&order=id', '[{"id":1,"by":null},{"id":2,"by":{"name":"Akira Kurosawa"}}]'),
  ('/films?select=id,prizes!prizes_second(name)&id=eq.3', '[{"id":3,"prizes":[{"name":"Golden Lion"}]}]'),
  ('/prizes?select=name,winner:films!winner_id(title),second:films!prizes_second(title)',
    '[{"name":"Golden Lion","winner":{"title":"Vagabond"},"second":{"title":"Ikiru"}}]'),
  ('/films?select=id,same_year(id)&id=eq.1', '[{"id":1,"same_year":[{"id":2}]}]'),
  ('/recent_films?select=title,directors(name),reviews(id)', '[{"title":"Faces Places","directors":{"name":"Agnès Varda"},"reviews":[]}]'),
  ('/directors?select=id,recent_films(id)&id=eq.1', '[{"id":1,"recent_films":[{"id":4}]}]'),
  ('/films?select=id,directors()&order=directors(name).desc.nullslast,id&limit=1', '[{"id":2}]'),
  ('/films?select=id,...directors(by:name)&id=eq.2', '[{"id":2,"by":"Akira Kurosawa"}]'),
  ('/directors?select=id,...films(title)&id=gt.1&order=id', '[{"id":2,"title":["Ran", "Ikiru"]},{"id":3,"title":[]}]'),
  -- Aggregates.
  ('/films?select=count()', '[{"count":5}]'),
  ('/films?select=year,count()&order=year', '[{"year":1952,"count":1},{"year":1985,"count":2},{"year":2017,"count":1},{"year":null,"count":1}]'),
  ('/reviews?select=stars.sum(),stars.avg()::int', '[{"sum":14,"avg":5}]'),
  ('/directors?select=name,films(year.max())&id=eq.1', '[{"name":"Agnès Varda","films":[{"max":2017}]}]'),
  -- Names that are hostile.
  ('/odd%20%22name%22%3B%20drop%20table%20films--%25s%20%7B%7D', '[]')
) as cases(target, wanted);

-- The page.
select is(a.status || ' ' || (a.headers ->> 'content-range'), wanted, target || ' ' || given)
from (values
  ('/films?select=id', '{}'::jsonb, '200 0-4/*'),
  ('/films?select=id&limit=2&offset=1', '{}', '200 1-2/*'),
  ('/films?select=id&id=eq.0', '{}', '200 */*'),
  ('/films?select=id', '{"prefer": "count=exact"}', '200 0-4/5'),
  ('/films?select=id&limit=2', '{"prefer": "count=exact"}', '206 0-1/5'),
  ('/films?select=id&id=eq.0', '{"prefer": "count=exact"}', '200 */0'),
  ('/films?select=id&offset=5', '{"prefer": "count=exact"}', '206 */5'),
  ('/films?select=id&offset=9', '{"prefer": "count=exact"}', '416 */5'),
  ('/films?select=id&offset=9', '{}', '200 */*'),
  ('/films?select=id', '{"range": "1-2"}', '200 1-2/*'),
  ('/films?select=id', '{"range": "1-"}', '200 1-4/*'),
  ('/films?select=id&limit=2', '{"range": "1-4", "prefer": "count=exact"}', '206 1-1/5'),
  ('/films?select=id', '{"range": "bytes=0-1"}', '200 0-4/*'),
  ('/directors?select=id,films!inner(id)', '{"prefer": "count=exact"}', '200 0-1/2'),
  ('/rpc/films_by?director=2&limit=1', '{"prefer": "count=exact"}', '206 0-0/2')
) as cases(target, given, wanted), testing.answer('GET', target, given) as a;
select is(testing.failed('GET', '/films', '{"range": "3-1"}'), '416 PGRST103', 'a range upside down');
select is(testing.failed('GET', '/films?limit=-1'), '416 PGRST103', 'a negative limit');
select is(testing.failed('GET', '/films?offset=9', '{"prefer": "count=exact"}'), '416 PGRST103', 'an offset behind the last row');

analyze store.films;
select is(a.headers ->> 'content-range', '0-4/5', 'count=' || kind)
from (values ('planned'), ('estimated')) as kinds(kind), testing.answer('GET', '/films?select=id', jsonb_build_object('prefer', 'count=' || kind)) as a;

-- Headers.
select is(a.headers ->> 'content-location', '/films?id=lt.9&select=id', 'Content-Location has the query sorted')
from testing.answer('GET', '/films?select=id&id=lt.9') as a;
select is(a.headers ->> 'content-location', '/films', 'and nothing after the path without one') from testing.answer('GET', '/films') as a;
select is(a.headers ->> 'content-profile', 'store', 'Content-Profile, as there are two schemas') from testing.answer('GET', '/films') as a;
select is(a.headers ->> 'preference-applied', 'count=exact', 'Preference-Applied')
from testing.answer('GET', '/films', '{"prefer": "count=exact, foo=bar"}') as a;
select is(testing.failed('GET', '/films', '{"prefer": "foo=bar, handling=strict"}'), '400 PGRST122', 'strict handling of an unknown preference');

-- HEAD.
select is(a.body, null, 'HEAD has no body') from testing.answer('HEAD', '/films', '{"prefer": "count=exact"}') as a;
select is(a.status || ' ' || (a.headers ->> 'content-range'), '200 0-4/5', 'but the headers of GET')
from testing.answer('HEAD', '/films', '{"prefer": "count=exact"}') as a;
select is(testing.brief('HEAD', '/nothere'), '404', 'also of an error');

-- Profiles.
select is(testing.get('/films', '{"accept-profile": "other"}'), '200 [{"id":7,"note":"of the other schema"}]', 'another schema');
select is(testing.get('/films?select=id&limit=1', '{"accept-profile": "store"}'), '200 [{"id":1}]', 'and back');
select is(testing.failed('GET', '/films', '{"accept-profile": "pg_catalog"}'), '406 PGRST106', 'a schema that is not exposed');
select is(testing.get('/films?select=id&limit=1', '{"content-profile": "other"}'), '200 [{"id":1}]', 'Content-Profile is for writes');

-- Media types.
select is(testing.get('/films?id=eq.1&select=id', '{"accept": "application/vnd.pgrst.object+json"}'), '200 {"id":1}', 'a single object');
select is(testing.failed('GET', '/films?select=id', '{"accept": "application/vnd.pgrst.object+json"}'), '406 PGRST116', 'of many rows');
select is(testing.failed('GET', '/films?id=eq.0', '{"accept": "application/vnd.pgrst.object+json"}'), '406 PGRST116', 'of none');
select is(testing.get('/films?id=eq.5&select=id,year', '{"accept": "application/vnd.pgrst.array+json;nulls=stripped"}'), '200 [{"id":5}]', 'without nulls');
select is(testing.get('/films?id=in.(1,5)&select=id,title,year', '{"accept": "text/csv"}'),
  E'200 id,title,year\n1,Vagabond,1985\n5,"No ""one"", (really)",', 'CSV');
select is(testing.get('/directors?id=eq.2&select=id,films(id),first:films(id)&films.order=id&first.limit=1&first.order=id', '{"accept": "text/csv"}'),
  E'200 id,films,first\n2,"[{""id"": 2}, {""id"": 3}]","[{""id"": 2}]"', 'embeds in CSV are jsonb');
select is(testing.get('/directors?id=gt.1&order=id&limit=1&select=id,films(id)&films.order=id', '{"accept": "text/csv"}'),
  E'200 id,films\n2,"[{""id"": 2}, {""id"": 3}]"', 'also those that are read for all parents together');
select is(a.headers ->> 'content-type', 'text/csv; charset=utf-8', 'its Content-Type') from testing.answer('GET', '/films', '{"accept": "text/csv"}') as a;
select is(testing.failed('GET', '/films', '{"accept": "image/png"}'), '406 PGRST107', 'nobody makes images');
select is(testing.get('/films?id=eq.1&select=id', '{"accept": "image/png, */*;q=0.1"}'), '200 [{"id":1}]', 'but anything will do');
select is(testing.failed('GET', '/films', '{"accept": "application/vnd.pgrst.plan"}'), '406 PGRST107', 'plans are off');
select set_config('testing.settings', '{"db_schemas": ["store"], "db_plan_enabled": true, "db_max_rows": 2}', true);
select matches(testing.get('/films', '{"accept": "application/vnd.pgrst.plan"}'), '^200 Aggregate', 'plans are on');
select is((testing.answer('GET', '/films', '{"accept": "application/vnd.pgrst.plan+json"}')).body::json -> 0 -> 'Plan' ->> 'Node Type',
  'Aggregate', 'in JSON');

-- db-max-rows.
select is(testing.get('/films?select=id&order=id'), '200 [{"id":1},{"id":2}]', 'db-max-rows');
select is(testing.get('/films?select=id&order=id&limit=1'), '200 [{"id":1}]', 'less is allowed');
select is(testing.get('/directors?select=id,films(id)&id=eq.2&films.order=id'), '200 [{"id":2,"films":[{"id":2},{"id":3}]}]', 'of an embed too');
select is(testing.failed('GET', '/films?select=count()'), '400 PGRST123', 'aggregates are off');

select * from finish();
rollback;
