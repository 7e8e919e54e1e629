package cut

import (
	"slices"
	"testing"
)

// texts returns the values as strings.
func (v *Values) texts() []string {
	texts := []string{}
	for _, value := range v.AppendTo(nil) {
		texts = append(texts, string(value))
	}
	return texts
}

func TestValues(t *testing.T) {
	var v Values
	v.add(0, 0)
	if v.At(0) == nil {
		t.Error("an empty value is nil")
	}
	v.addText("one")
	v.addText("two")
	if got := v.texts(); !slices.Equal(got, []string{"", "one", "two"}) || v.Len() != 3 {
		t.Errorf("%q, %d", got, v.Len())
	}
	_ = append(v.At(1), "overwritten"...)
	if string(v.At(2)) != "two" {
		t.Errorf("%q after an append to the value before", v.At(2))
	}
	v.Reset()
	if v.Len() != 0 {
		t.Errorf("%d after a reset", v.Len())
	}
	if allocated := testing.AllocsPerRun(100, func() { v.Reset(); v.addText("one"); v.addText("two") }); allocated > 0 {
		t.Errorf("%v allocations", allocated)
	}
}
