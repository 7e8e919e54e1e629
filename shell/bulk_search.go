package shell

import (
	"cmp"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/db"
)

// unsearched are classes of errors (the first two digits of SQLSTATE) that do not come of a row.
var unsearched = []string{"08", "25", "26", "40", "53", "57", "58", "PN"}

// foreignKey is the SQLSTATE of what a row alone may violate only because another one of the piece is missing then.
const foreignKey = "23503"

// search looks for the row of the current piece that an error comes of, by executing parts of the piece, all undone in
// the end. It returns the number of its line, 0 for none, and the error that it raises; or an error of another kind.
func (b *bulk) search(cause error) (line int, err error) {
	pgErr, ok := errors.AsType[*pgconn.PgError](cause)
	if !ok || b.now.Len() == 0 || slices.Contains(unsearched, pgErr.Code[:2]) {
		return 0, cause
	}
	if err := b.load.Mark(); err != nil {
		return 0, cause // it came before any piece
	}
	if err = b.try(0, 0, true); err != nil { // it is not about rows
		return 0, cause
	}
	row := -1
	if pgErr.Code == foreignKey {
		row, err = b.lengthen(func(e *pgconn.PgError) bool { return e.Code == pgErr.Code && e.Detail == pgErr.Detail })
	}
	if row < 0 && err == nil {
		row, err = b.halve(pgErr.Code)
	}
	if row < 0 && err == nil {
		if err = b.load.Return(); err == nil {
			row, err = b.lengthen(func(e *pgconn.PgError) bool { return e.Code == pgErr.Code })
		}
	}
	if row < 0 {
		return 0, cmp.Or(err, cause)
	}
	return b.now.Line(row), err
}

// halve looks for the row by halves, of which what succeeds is kept. It returns -1 where no row fails by itself.
func (b *bulk) halve(code string) (row int, err error) {
	from, to := 0, b.now.Len()
	for to-from > 1 {
		middle := (from + to) / 2
		if err = b.try(from, middle, true); err == nil {
			from = middle
		} else if to = middle; db.SQLState(err) != code {
			return -1, b.other(err)
		}
	}
	if err = b.try(from, to, true); db.SQLState(err) != code {
		return -1, b.other(err)
	}
	return from, err
}

// lengthen looks for the row behind which the rows so far fail, for what fails only as part of a statement.
func (b *bulk) lengthen(same func(*pgconn.PgError) bool) (row int, found error) {
	row = -1
	succeeds, fails := 0, b.now.Len()
	for middle := fails; middle > succeeds; middle = (succeeds + fails) / 2 {
		err := b.try(0, middle, false)
		if other := b.other(err); other != nil {
			return -1, other
		}
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && same(pgErr) {
			fails, row, found = middle, middle-1, err
		} else {
			succeeds = middle
		}
	}
	return row, found
}

// try executes the statement for some rows of the piece.
func (b *bulk) try(from, to int, keep bool) error {
	b.scratch = b.now.AppendRows(b.scratch[:0], from, to)
	if err := b.load.Send(b.statement, b.scratch, keep); err != nil {
		return err
	}
	err := b.load.Receive(&b.x.answer)
	if err != nil && b.load.Failed(err, false) != nil || err == nil && keep {
		return err
	}
	return errors.Join(err, b.load.Undo())
}

// other returns an error that ends a search: one with which the connection is of no more use.
func (b *bulk) other(err error) error {
	if err == nil || b.load.Failed(err, false) == nil {
		return nil
	}
	return err
}
