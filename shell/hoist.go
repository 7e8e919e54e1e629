package shell

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"postern/shell/db"
)

// hoist is what postern.serve asked for with status 0: to start again in a transaction of another kind.
type hoist struct {
	json      []byte // its answer, which the request carries then
	isolation string
	settings  [][2]string
}

func parseHoist(body []byte) (*hoist, error) {
	var wanted struct {
		Isolation *string           `json:"isolation"`
		Settings  map[string]string `json:"settings"`
	}
	if err := json.Unmarshal(body, &wanted); err != nil {
		return nil, errors.New("its answer asks for a restart that cannot be read")
	}
	h := &hoist{json: slices.Clone(body)}
	if wanted.Isolation != nil {
		h.isolation = *wanted.Isolation
	}
	for _, name := range slices.Sorted(maps.Keys(wanted.Settings)) {
		h.settings = append(h.settings, [2]string{name, wanted.Settings[name]})
	}
	return h, nil
}

// over gives what a role assumes with the hoisted settings on top.
func (h *hoist) over(role *db.Assumed) *db.Assumed { return role.With(h.isolation, h.settings) }
