//go:build cgo

package pgtests

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// room is a part of sql/, a folder or some files beside the folders, as install.sql introduces it.
type room struct {
	name  string
	files []string
	says  string   // what the room is for, what it knows and what not
	calls []string // rooms whose functions its functions call
	named []string // rooms whose functions it names in the text of statements
}

var roomHead = regexp.MustCompile(`(?s)^([a-z0-9]+(?:/[a-z0-9]+)*): (.+) Calls ([a-z0-9/, ]+)\.` +
	`(?: Its statements call ([a-z0-9/, ]+)\.)?$`)

// roomsOf reads install.sql: a comment introduces each room, and the files of the room follow it.
func roomsOf(t testing.TB, install string) (rooms []room) {
	t.Helper()
	var head []string
	for line := range strings.Lines(install) {
		line = strings.TrimSpace(line)
		if comment, ok := strings.CutPrefix(line, "-- "); ok {
			head = append(head, comment)
			continue
		}
		file := templateAction.FindStringSubmatch(line)
		if file == nil {
			continue
		}
		if head != nil {
			found := roomHead.FindStringSubmatch(strings.Join(head, " "))
			if found == nil || len(head) < 2 || len(head) > 4 {
				t.Fatalf("not the head of a room: %q", head)
			}
			one := room{name: found[1], says: found[2], calls: strings.Split(found[3], ", ")}
			if found[4] != "" {
				one.named = strings.Split(found[4], ", ")
			}
			rooms, head = append(rooms, one), nil
		}
		if rooms == nil {
			t.Fatalf("%s is in no room", file[1])
		}
		last := &rooms[len(rooms)-1]
		last.files = append(last.files, file[1])
	}
	return rooms
}

// roomCalls returns the rooms that the functions of a room call, and those that they name in the text of statements,
// each with a function as an example. home says in which room a function is.
func roomCalls(t testing.TB, code []installed, one room, home map[string][]string) (calls, named map[string]string) {
	t.Helper()
	calls, named = make(map[string]string), make(map[string]string)
	add := func(to map[string]string, function, from string) {
		if homes := home[function]; len(homes) > 0 && !slices.Contains(homes, one.name) {
			to[homes[0]] = from + " postern." + function
		}
	}
	for _, function := range code {
		if !slices.Contains(one.files, function.file) {
			continue
		}
		from := function.file + ": " + function.name
		for _, query := range function.queries {
			var direct []string
			if !utility.MatchString(query) {
				_, direct = lookedUp(t, query, nil)
			}
			for _, name := range direct {
				add(calls, name, from)
			}
			for _, found := range ourCall.FindAllStringSubmatch(query, -1) {
				if !slices.Contains(direct, found[1]) {
					add(named, found[1], from)
				}
			}
		}
	}
	return calls, named
}

// The finder must find: calls apart from what is only named in a text, and nothing within the room.
func TestRoomCalls(t *testing.T) {
	t.Parallel()
	code := []installed{
		{name: "a", file: "one/a.sql", queries: []string{"select postern.b(postern.a2(1))", "select 'postern.c(1)'"}},
		{name: "b", file: "two/b.sql", queries: []string{"select postern.c()"}},
	}
	home := map[string][]string{"a2": {"one"}, "b": {"two"}, "c": {"three"}}
	calls, named := roomCalls(t, code, room{name: "one", files: []string{"one/a.sql"}}, home)
	if len(calls) != 1 || calls["two"] == "" || len(named) != 1 || named["three"] == "" {
		t.Errorf("calls %q, names %q", calls, named)
	}
}

// Each room of sql/ calls the rooms that install.sql says, no others and all of these.
func TestRooms(t *testing.T) {
	t.Parallel()
	rooms := roomsOf(t, sources(t)["install.sql"])
	code := installedCode(t)
	of := make(map[string]string)
	for _, one := range rooms {
		for _, file := range one.files {
			of[file] = one.name
			if folder := path.Dir(file); folder != "." && folder != one.name {
				t.Errorf("%s is in the room %s", file, one.name)
			}
		}
		if len(one.says) < 60 {
			t.Errorf("%s: too little is said: %q", one.name, one.says)
		}
	}
	home := make(map[string][]string)
	for _, function := range code {
		if !slices.Contains(home[function.name], of[function.file]) {
			home[function.name] = append(home[function.name], of[function.file])
		}
	}
	for name, homes := range home {
		if len(homes) > 1 && name != "do" {
			t.Errorf("%s is in several rooms: %q", name, homes)
		}
	}
	for _, one := range rooms {
		calls, named := roomCalls(t, code, one, home)
		for what, pair := range map[string]struct {
			found   map[string]string
			allowed []string
		}{"calls": {calls, one.calls}, "statements call": {named, one.named}} {
			for other, example := range pair.found {
				if !slices.Contains(pair.allowed, other) {
					t.Errorf("%s %s %s, which install.sql does not say: %s", one.name, what, other, example)
				}
			}
			for _, other := range pair.allowed {
				if pair.found[other] == "" && other != "nothing" {
					t.Errorf("%s %s %s in install.sql, but not in its functions", one.name, what, other)
				}
			}
		}
	}
	if len(rooms) < 12 {
		t.Errorf("only %d rooms", len(rooms))
	}
}
