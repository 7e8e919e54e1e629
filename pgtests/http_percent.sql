-- Percent-encoding.
begin;
select no_plan();

select is(postern.percent_decode(encoded), plain, encoded)
from (values
  ('', ''), ('abc', 'abc'), ('a%20b', 'a b'), ('%41%62', 'Ab'), ('%c3%a4', 'ä'), ('%C3%A4', 'ä'), ('%E2%82%ACx', '€x'),
  ('%F0%9F%98%80', '😀'), ('a+b', 'a+b'), ('100%25', '100%'), ('%2541', '%41'), ('ä%20€', 'ä €'), ('50% off', '50% off'),
  ('%', '%'), ('a%', 'a%'), ('%4', '%4'), ('%zz', '%zz'), ('%4g%41', '%4gA'), ('x%2', 'x%2'), ('%2541%', '%41%'), ('%01%1f', E'\x01\x1f'), ('%5C%27%22', '\''"')
) as cases(encoded, plain);
select is(testing.failure(format('select postern.percent_decode(%L)', encoded)), 'PGRST100', 'malformed: ' || encoded)
from unnest('{%00,a%00b,%ff,%c3,%c3%28,%e2%82,%ed%a0%80,%f5%80%80%80,%c0%af}'::text[]) as encoded;

select is(postern.query_decode(encoded), plain, encoded)
from (values ('a+b', 'a b'), ('a%2Bb', 'a+b'), ('a%20+b', 'a  b'), ('+', ' '), ('', '')) as cases(encoded, plain);

select is(postern.percent_encode(plain), encoded, plain)
from (values
  ('', ''), ('aZ09-._~', 'aZ09-._~'), ('a b', 'a%20b'), ('a/b?c&d=e', 'a%2Fb%3Fc%26d%3De'), ('ä€😀', '%C3%A4%E2%82%AC%F0%9F%98%80'),
  ('%', '%25'), ('+', '%2B'), (E'a\r\nb', 'a%0D%0Ab'), ('''"\', '%27%22%5C')
) as cases(plain, encoded);
select is(postern.percent_decode(postern.percent_encode(plain)), plain, 'there and back: ' || plain)
from (select string_agg(chr(code), '' order by code) from generate_series(1, 591) as code) as texts(plain);

select is(postern.canonical_query(query), canonical, query)
from (values
  ('', ''), ('b=2&a=1', 'a=1&b=2'), ('a=2&b=1&a=1', 'a=2&a=1&b=1'), ('a', 'a='), ('a=b+c', 'a=b%20c'), ('a=b%20c', 'a=b%20c'),
  ('z=1&A=2&a=3', 'A=2&a=3&z=1'), ('&&a=1&', 'a=1'), ('a=1=2', 'a=1%3D2'), ('select=*&or=(a.eq.1,b.eq.2)', 'or=%28a.eq.1%2Cb.eq.2%29&select=%2A'),
  ('%62=1&a=2', 'a=2&b=1')
) as cases(query, canonical);

select * from finish();
rollback;
