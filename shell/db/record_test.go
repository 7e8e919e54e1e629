package db

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// record builds what record_send gives for (status int4, headers text[][], body bytea).
func record(status int, headers [][2]string, body []byte) []byte {
	result := encodeInts(nil, 3, oidInt4, 4, status, oidTextArray)
	if headers == nil {
		result = encodeInts(result, -1)
	} else {
		array := encodeInts(nil, 2, 0, oidText, len(headers), 1, 2, 1)
		for _, header := range headers {
			for _, text := range header {
				array = append(encodeInts(array, len(text)), text...)
			}
		}
		result = append(encodeInts(result, len(array)), array...)
	}
	result = encodeInts(result, oidBytea)
	if body == nil {
		return encodeInts(result, -1)
	}
	return append(encodeInts(result, len(body)), body...)
}

func TestDecode(t *testing.T) {
	var answer Answer
	for _, test := range []struct {
		record []byte
		want   string
	}{
		{record(200, [][2]string{{"A", "1"}, {"A", "2"}, {"b", ""}}, []byte("body")), `200 [["A" "1"] ["A" "2"] ["b" ""]] "body"`},
		{record(204, nil, nil), `204 [] ""`},
		{record(-1, nil, []byte{}), `-1 [] ""`},
		{append(encodeInts(nil, 3, oidInt4, 4, 200, oidTextArray, 12, 0, 0, oidText, oidBytea), 0xff, 0xff, 0xff, 0xff), `200 [] ""`},
	} {
		if err := answer.decode(test.record); err != nil {
			t.Errorf("%s: %v", test.want, err)
			continue
		}
		if got := fmt.Sprintf("%d %q %q", answer.Status, answer.Headers, answer.Body); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
	good := record(200, [][2]string{{"A", "1"}}, []byte("body"))
	for length := range good {
		if answer.decode(good[:length]) == nil {
			t.Errorf("the first %d bytes of %d are accepted", length, len(good))
		}
	}
	if answer.decode(append(good, 0)) == nil {
		t.Error("a byte too many is accepted")
	}
	for position, value := range map[int]uint32{0: 2, 4: oidText, 16: oidText, 24: 1, 32: oidBytea, 44: 3} {
		broken := append([]byte(nil), good...)
		binary.BigEndian.PutUint32(broken[position:], value)
		if answer.decode(broken) == nil {
			t.Errorf("%d at %d is accepted", value, position)
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	var answer Answer
	good := record(200, [][2]string{{"A", "1"}, {"B", "2"}}, []byte("body"))
	if allocated := testing.AllocsPerRun(100, func() {
		if answer.decode(good) != nil {
			t.Error("not decoded")
		}
	}); allocated > 0 {
		t.Errorf("%v allocations", allocated)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(record(200, [][2]string{{"A", "1"}}, []byte("body")))
	f.Add(record(204, nil, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		var answer Answer
		_ = answer.decode(data) // must not panic
	})
}

func TestAssumed(t *testing.T) {
	if NewAssumed("read committed", nil) != nil {
		t.Error("nothing to assume is not nil")
	}
	role := NewAssumed("SERIALIZABLE", [][2]string{{"work_mem", "1MB"}})
	if role.isolation != "serializable" {
		t.Error(role.isolation)
	}
	both := role.With("repeatable read", [][2]string{{"statement_timeout", "5s"}})
	if both.isolation != "repeatable read" || len(both.settings) != 2 || both.settings[1][0] != "statement_timeout" {
		t.Errorf("%+v", both)
	}
	if kept := role.With("", nil); kept.isolation != "serializable" || len(kept.settings) != 1 {
		t.Errorf("%+v", kept)
	}
	var none *Assumed
	if none.With("", nil) != nil || none.With("serializable", nil) == nil {
		t.Error("With on nothing")
	}
	if NewAssumed("serializable; drop table x", nil) != nil {
		t.Error("an isolation level that is none")
	}
}

func TestBackoff(t *testing.T) {
	var b Backoff
	got := ""
	for range 8 {
		got += b.Next().String() + " "
	}
	if got != "1s 2s 4s 8s 16s 32s 32s 32s " {
		t.Error(got)
	}
	b.Reset()
	if b.Next().String() != "1s" {
		t.Error("no reset")
	}
}
