-- The version of a row: which filters name one row, and what tells that row from itself at another time.

create or replace function postern.is_simple_view(relation oid)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return pg_relation_is_updatable(relation, false) & 20 = 20 and not exists ( -- UPDATE and DELETE
    with recursive view (oid) as (
      select relation
      union
      select c.oid
        from view
       cross join lateral postern.view_targets(view.oid) as t
        join pg_class as c on c.oid = t.source and c.relkind = 'v'
    )
    select
      from view
     where exists (select from pg_trigger where tgrelid = view.oid and not tgisinternal)
        or exists (select from pg_rewrite where ev_class = view.oid and rulename <> '_RETURN'));
end
$$;
comment on function postern.is_simple_view(oid) is
$$Whether a write to a view is one to a row of a table, with the conditions of the request: PostgreSQL updates it by
itself, and neither it nor a view below has triggers or rules. Then each of its rows is one row of a table. In: a view.
Out: true or false. Raises nothing. Source: pg_relation_is_updatable.$$;

create or replace function postern.unique_keys(relation oid)
returns table (base oid, names text[], required boolean)
language plpgsql stable strict parallel safe
as $$
declare
  kind pg_catalog."char" := (select relkind from pg_class where oid = relation);
  shown pg_catalog.jsonb := case when kind = 'v' and postern.is_simple_view(relation)
    then postern.shown_columns(relation) end;
begin
  if kind = 'v' and shown is null then
    return;
  end if;
  return query
    select c.oid, k.names, not exists (
        select from pg_attribute as a where a.attrelid = c.oid and a.attnum = any(i.keys)
           and (not a.attnotnull or a.attnum = any(postern.unproven_columns(c.oid))))
      from pg_class as c
     cross join lateral (
       select array(select unnest(indkey) limit indnkeyatts) as keys
         from pg_index
        where indrelid = c.oid and indisunique and indisvalid and indimmediate and indpred is null
          and not exists (
            select from generate_series(0, indnkeyatts - 1) as place
             where not exists (
               select from pg_attribute
                where attrelid = c.oid and attnum = indkey[place] and attcollation = indcollation[place]))) as i
     cross join lateral postern.key_names(shown, c.oid, i.keys) as k (names)
     where c.oid = any(postern.shown_relations(relation, shown))
       and (c.relkind = 'm' or c.relkind in ('r', 'p') and not c.relhasrules)
       and (c.relkind = 'p' or not c.relhassubclass);
end
$$;
comment on function postern.unique_keys(oid) is
$$The columns that name one row of a relation at most, in every sense that equality has: those of each unique index that
is valid, not deferrable and not partial, over columns in their own collations. A view has those of the table that it
writes to (postern.is_simple_view). Out: the table; the columns, as the relation names them; whether none can be null.
Nothing for a table with rules or with tables that inherit from it. Raises nothing. Source: pg_index.$$;

create or replace function postern.row_version(relation oid, conditions jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  equals pg_catalog.jsonb := (
    select coalesce(jsonb_agg(condition), '[]')
      from jsonb_array_elements(conditions) as condition
     where condition -> 'expr' ->> 'operator' = 'eq' and not condition -> 'expr' ?| '{not,quantifier}'
       and not condition -> 'field' ? 'path');
  key pg_catalog.record;
  stored pg_catalog.text[];
begin
  select k.base, k.names into key
    from postern.unique_keys(relation) as k
   where k.names <@ array(select condition -> 'field' ->> 'name' from jsonb_array_elements(equals) as condition)
   order by k.names
   limit 1;
  if not found then
    return null;
  end if;
  select case when relkind = 'p' then '{tableoid,ctid,xmin}'::text[] else '{ctid,xmin}' end into stored
    from pg_class
   where oid = relation and key.base = relation and has_table_privilege(relation, 'select')
     and (relkind = 'p' or relam = 2); -- 2: heap
  return jsonb_build_object('stored', coalesce(stored, '{}'),
    'columns', postern.version_columns(relation, key.base, stored is not null),
    'where', (
      select jsonb_agg(condition)
        from jsonb_array_elements(equals) as condition
       where condition -> 'field' ->> 'name' = any(key.names)));
end
$$;
comment on function postern.row_version(oid, jsonb) is
$$How the version of the row that conditions name is told. In: conditions: where of a node. Out: null unless an eq
filter is on each column of a unique key; else {stored: the system columns that tell where and by whom the row was
written; columns: postern.version_columns; where: the conditions on the key}. There are none for the row of a view, and
for one whose whole table the current role may not read, which then may not read these. Raises nothing.$$;

create or replace function postern.version_columns(relation oid, base oid, stored boolean)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('name', a.attname, 'how', case
             when 0 = any(array[t.typsend::oid, e.typsend::oid]) then 'text'
             else 'whole' end) order by a.attnum), '[]')
      from pg_attribute as a
      join pg_type as t on t.oid = postern.base_type(a.atttypid)
      left join pg_type as e on e.oid = postern.base_type(t.typelem) and t.typlen = -1
     where a.attrelid = relation
       and a.attnum > 0
       and not a.attisdropped
       and has_column_privilege(relation, a.attnum, 'select')
       and (relation = base
         or a.attnum = any(array(
           select v.view_attnum from postern.view_columns(relation) as v where v.base_relation = base)))
       and (not stored or a.atttypid = any('{bool,int2,int4,int8,numeric,float4,float8,date,time,timestamp,timestamptz,
         interval,uuid}'::regtype[])));
end
$$;
comment on function postern.version_columns(oid, oid, boolean) is
$$The columns whose values are part of the version of a row. In: a relation; its table; whether the version has where
and by whom the row was written. Then the values only tell apart rows of which that is the same by accident (after a
restore, or where transactions were lost), and those count that cost next to nothing: numbers and times. Else all that
the current role may read count, of a view those that are the table's. Out: [{name; how: whole, or text where its type
has no binary form}]. Raises nothing.$$;
