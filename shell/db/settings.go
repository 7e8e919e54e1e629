package db

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Schema returns what requests find in schemas, as JSON (postern.describe_schema). It uses a connection of its own.
func (p *Pool) Schema(ctx context.Context, schemas []string) ([]byte, error) {
	r, err := p.Reader(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if err := p.checkInstalled(queryText(ctx, r.conn, installed)); err != nil {
		return nil, err
	}
	rows := queryTexts(ctx, r.conn, "select postern.describe_schema($1)", schemas)
	if rows.Err != nil {
		return nil, fmt.Errorf("reading the schema: %w", rows.Err)
	}
	return rows.Rows[0][0], nil
}

// storedSQL reads the settings pgrst.* that the connection's role has, the ones for this database last.
const storedSQL = `
select o.option_name, o.option_value
from pg_catalog.pg_db_role_setting as s
join pg_catalog.pg_roles as r on r.oid operator(pg_catalog.=) s.setrole
cross join lateral pg_catalog.pg_options_to_table(s.setconfig) as o
where r.rolname operator(pg_catalog.=) current_user
  and (s.setdatabase operator(pg_catalog.=) 0 or s.setdatabase operator(pg_catalog.=) (
    select d.oid from pg_catalog.pg_database as d where d.datname operator(pg_catalog.=) pg_catalog.current_database()))
  and pg_catalog.starts_with(o.option_name, 'pgrst.')
order by s.setdatabase operator(pg_catalog.<>) 0, o.option_name`

// currentSQL reads those of the settings pgrst.*, named in $1 without this, that the session has.
const currentSQL = `
select s.name, pg_catalog.current_setting(s.name, true)
from pg_catalog.unnest($1::pg_catalog.text[]) as n(name)
cross join lateral (select 'pgrst.' operator(pg_catalog.||) n.name) as s(name)
where pg_catalog.current_setting(s.name, true) is not null`

// Settings returns the in-database settings (PostgREST docs/references/configuration) without their prefix pgrst. and
// with underscores, of which names tells those that can be set there. preConfig is a function that is called before, in
// a transaction that is read-only and rolled back; what it sets counts less than the role's own settings.
func (r *Reader) Settings(ctx context.Context, preConfig string, names []string) (map[string]string, error) {
	var rows [][][]byte
	if preConfig != "" {
		var err error
		if rows, err = r.configured(ctx, preConfig, names); err != nil {
			return nil, fmt.Errorf("db-pre-config: %w", err)
		}
	}
	stored := r.conn.ExecParams(ctx, storedSQL, nil, nil, nil, nil).Read()
	if stored.Err != nil {
		return nil, fmt.Errorf("reading settings: %w", stored.Err)
	}
	result := make(map[string]string)
	for _, row := range append(rows, stored.Rows...) {
		if name := strings.TrimPrefix(string(row[0]), "pgrst."); slices.Contains(names, name) {
			result[name] = string(row[1])
		}
	}
	return result, nil
}

// configured returns the settings that a function has set, with their prefix.
func (r *Reader) configured(ctx context.Context, preConfig string, names []string) ([][][]byte, error) {
	if err := r.conn.Exec(ctx, "begin read only; select "+QuoteName(preConfig)+"()").Close(); err != nil {
		return nil, err
	}
	set := queryTexts(ctx, r.conn, currentSQL, names)
	if set.Err != nil {
		return nil, set.Err
	}
	return set.Rows, r.conn.Exec(ctx, "rollback").Close()
}

// QuoteName quotes name or schema.name, split at the first dot.
func QuoteName(name string) string {
	return pgx.Identifier(strings.SplitN(name, ".", 2)).Sanitize()
}

// roleSQL reads the settings of the roles that the connection's role may assume, as far as it may set them, without
// those that ParseURI sets. %s is the test of the privilege to set a parameter, which came with PostgreSQL 15.
const roleSQL = `
select r.rolname, o.option_name, o.option_value
from pg_catalog.pg_db_role_setting as s
join pg_catalog.pg_roles as r on r.oid operator(pg_catalog.=) s.setrole
cross join lateral pg_catalog.pg_options_to_table(s.setconfig) as o
left join pg_catalog.pg_settings as p on p.name operator(pg_catalog.=) o.option_name
where (s.setdatabase operator(pg_catalog.=) 0 or s.setdatabase operator(pg_catalog.=) (
    select d.oid from pg_catalog.pg_database as d where d.datname operator(pg_catalog.=) pg_catalog.current_database()))
  and r.rolname operator(pg_catalog.<>) current_user
  and pg_catalog.pg_has_role(r.oid, 'member')
  and (p.context operator(pg_catalog.=) 'user'%s or o.option_name operator(pg_catalog.=) '` + maxCost + `')
  and o.option_name operator(pg_catalog.<>) all ('{client_encoding,standard_conforming_strings}')
order by r.rolname, o.option_name, s.setdatabase operator(pg_catalog.<>) 0`

// RoleSettings are the settings of one role.
type RoleSettings struct {
	Isolation string      // default_transaction_isolation; empty when not set
	MaxCost   string      // pgrst.db_max_cost; empty when not set
	Settings  [][2]string // the others: names and values
}

// maxCost is the setting db-max-cost as a role has it.
const maxCost = "pgrst.db_max_cost"

// Roles are the roles that may be assumed, as far as statements depend on them.
type Roles struct {
	Settings map[string]RoleSettings // of those that have any
	State    string                  // changes with memberships and attributes, on which row security in plans depends
}

// stateSQL reads Roles.State.
const stateSQL = `
select pg_catalog.md5(pg_catalog.concat(
  (select pg_catalog.string_agg(
       pg_catalog.concat_ws(' ', r.oid, r.rolname, r.rolsuper, r.rolinherit, r.rolbypassrls), ',' order by r.oid)
     from pg_catalog.pg_roles as r),
  (select pg_catalog.string_agg(
       pg_catalog.concat_ws(' ', m.roleid, m.member, m.xmin), ',' order by m.roleid, m.member, m.xmin::pg_catalog.text)
     from pg_catalog.pg_auth_members as m)))`

// Roles reads the roles that may be assumed.
func (r *Reader) Roles(ctx context.Context) (*Roles, error) {
	conn := r.conn
	privilege := " or pg_catalog.has_parameter_privilege(p.name, 'set')"
	if version := conn.ParameterStatus("server_version"); strings.HasPrefix(version, "14") {
		privilege = ""
	}
	rows := conn.ExecParams(ctx, fmt.Sprintf(roleSQL, privilege), nil, nil, nil, nil).Read()
	if rows.Err != nil {
		return nil, fmt.Errorf("reading the settings of roles: %w", rows.Err)
	}
	result := &Roles{Settings: make(map[string]RoleSettings)}
	for _, row := range rows.Rows {
		role, name, value := string(row[0]), string(row[1]), string(row[2])
		settings := result.Settings[role]
		switch name {
		case "default_transaction_isolation":
			settings.Isolation = value
		case maxCost:
			settings.MaxCost = value
		default:
			settings.Settings = append(settings.Settings, [2]string{name, value})
		}
		result.Settings[role] = settings
	}
	var err error
	if result.State, err = queryText(ctx, conn, stateSQL); err != nil {
		return nil, fmt.Errorf("reading the roles: %w", err)
	}
	return result, nil
}
