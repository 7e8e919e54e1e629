-- An embed that can mean several relationships: what to tell the client.

create or replace function postern.known_relationships(relationships jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return coalesce((
    select pg_catalog.jsonb_agg(r.value order by r.ordinality)
      from pg_catalog.jsonb_array_elements(relationships) with ordinality r
     where postern.may_know((r.value ->> 'target_oid')::oid)
       and coalesce(postern.may_know((r.value #>> '{junction,oid}')::oid), true)
       and coalesce(pg_catalog.has_function_privilege((r.value #>> '{function,oid}')::oid, 'execute'), true)), '[]');
end
$$;
comment on function postern.known_relationships(jsonb) is
$$Those of some relationships that the current role may be told of: it has some right to the target, the junction, the
function. In: what postern.find_relationships answers. Out: elements of it. Raises nothing.$$;

create or replace function postern.ambiguous_details(relationships jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select pg_catalog.jsonb_agg(
             pg_catalog.jsonb_build_object(
               'embedding', (r.value ->> 'origin') || ' with ' || (r.value ->> 'target'),
               'cardinality', case r.value ->> 'kind'
                 when 'm2o' then 'many-to-one'
                 when 'o2m' then 'one-to-many'
                 when 'o2o' then 'one-to-one'
                 when 'm2m' then 'many-to-many'
                 else r.value ->> 'kind'
               end,
               'relationship', case r.value ->> 'kind'
                 when 'computed' then pg_catalog.concat(
                   r.value #>> '{function,schema}', '.', r.value #>> '{function,name}')
                 when 'm2m' then pg_catalog.concat(
                   r.value #>> '{junction,name}',
                   ' using ', r.value #>> '{junction,constraint1}',
                   postern.name_list(r.value #> '{junction,source}', 1),
                   ' and ', r.value #>> '{junction,constraint2}',
                   postern.name_list(r.value #> '{junction,target}', 1))
                 else pg_catalog.concat(
                   r.value ->> 'constraint',
                   ' using ', r.value ->> 'origin', postern.name_list(r.value -> 'columns', 0),
                   ' and ', r.value ->> 'target', postern.name_list(r.value -> 'columns', 1))
               end)
             order by r.ordinality)
      from pg_catalog.jsonb_array_elements(relationships) with ordinality r);
end
$$;
comment on function postern.ambiguous_details(jsonb) is
$$The candidates of an ambiguous embed as the details of PGRST201 list them. In: what postern.find_relationships
answers. Out: an array of {"embedding": "origin with target", "cardinality", "relationship"}. Raises nothing.
Source: docs/references/errors.rst of PostgREST.$$;

create or replace function postern.ambiguous_hint(target text, relationships jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select pg_catalog.format('Instead of %L write one of: %s. The details tell them apart.', target,
             pg_catalog.string_agg(named.relationship, ', ' order by named.place))
      from (select pg_catalog.concat('''', r.value ->> 'target', '!',
                     coalesce(r.value ->> 'constraint', r.value #>> '{junction,name}', r.value #>> '{function,name}'),
                     '''') as relationship,
                   pg_catalog.min(r.ordinality) as place
              from pg_catalog.jsonb_array_elements(relationships) with ordinality r
             group by 1) named);
end
$$;
comment on function postern.ambiguous_hint(text, jsonb) is
$$How to say which relationship is meant. In: the ambiguous name; what postern.find_relationships answers. Out: a
sentence that names each candidate as target!hint. Raises nothing.$$;

create or replace function postern.name_list(pairs jsonb, side int)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return '(' || (
    select pg_catalog.string_agg(p.value ->> side, ', ' order by p.ordinality)
      from pg_catalog.jsonb_array_elements(pairs) with ordinality p) || ')';
end
$$;
comment on function postern.name_list(jsonb, int) is
$$One side of column pairs as "(a, b)". In: pairs as in postern.find_relationships; side: 0 or 1. Raises nothing.$$;
