package cut

import (
	"fmt"
	"strings"
	"testing"
)

func TestPayload(t *testing.T) {
	wide, reversed := "", ""
	for i := range 100 {
		wide += fmt.Sprintf(`,"k%02d":%d`, i, i)
		reversed = fmt.Sprintf(`,"k%02d":%d`, i, i) + reversed
	}
	wideKeys := ""
	for i := range 100 {
		wideKeys += fmt.Sprintf(`,"k%02d"`, i)
	}
	for body, want := range map[string]string{
		`{"b": 1, "aa": "x\"}", "a": {"c": [1, "}"]}}`: `{"form":"{","keys":["a","b","aa"]}`,
		" {\"a\":null,\"a\":2}\n":                      `{"form":"{","keys":["a"]}`,
		`{}`:                                           `{"form":"{","keys":[]}`,
		`[{"a":1},{"a":[]} , {"a":""}]`:                `{"form":"[","keys":["a"]}`,
		`[{"a":1,"b":2},{"a":1,"b":-2.5e3}]`:           `{"form":"[","keys":["a","b"]}`,
		`[{"b":1,"a":2},{"a":2,"b":1},{"b":1,"a":2}]`:  `{"form":"[","keys":["a","b"]}`,
		`[{"c":1,"b":1,"a":2},{"c":2,"a":1,"b":3}]`:    `{"form":"[","keys":["a","b","c"]}`,
		`[{"a":1,"b":2,"a":3},{"a":1,"b":2,"a":3}]`:    `{"form":"[","keys":["a","b"]}`,
		`[{"a":1,"b":2,"a":3},{"b":1,"a":2,"b":3}]`:    `{"form":"[","keys":["a","b"]}`,
		`[{}]`:                        `{"form":"[","keys":[]}`,
		`[{},{}]`:                     `{"form":"[","keys":[]}`,
		`{"é":1}`:                     `{"form":"{","keys":["é"]}`,
		`{"":1}`:                      `{"form":"{","keys":[""]}`,
		"\t\r\n[ { \"a\" : true } ] ": `{"form":"[","keys":["a"]}`,
		"[{" + wide[1:] + "},{" + wide[1:] + "}]":       `{"form":"[","keys":[` + wideKeys[1:] + `]}`,
		"[{" + wide[1:] + `},{"x":0` + reversed + "}]":  "",
		`[{"x":0` + wide + `},{"x":0` + reversed + "}]": `{"form":"[","keys":["x",` + wideKeys[1:] + `]}`,
		``: "", ` `: "", `[]`: "", `1`: "", `"a"`: "", `null`: "", `{`: "", `[`: "", `{"a"}`: "", `{"a":}`: "", `{"a":1,}`: "", `{"a":1}}`: "",
		`{"a":1} x`: "", `{"a\n":1}`: "", `{"\u0061":1}`: "", "{\"a\x01\":1}": "", "{\"a\x7f\":1}": "", "{\"a\":\"\xff\"}": "", "{\"\xff\":1}": "",
		`[{"a":1},{"b":1}]`: "", `[{"a":1},{"a":1,"b":2}]`: "", `[{"a":1,"b":2},{"a":1}]`: "", `[{"a":1,"b":2},{"b":1,"b":2}]`: "", `[{"a":1,"b":2},{"b":1,"a":2},{"b":1,"b":2}]`: "", `[{"a":1},{}]`: "", `[{},{"a":1}]`: "",
		`[{"a":1},2]`: "", `[{"a":1}`: "", `[{"a":1},]`: "", `[[{"a":1}]]`: "", `{"a`: "", `{"a":tr`: "", `{"a":["x`: "", `{"a":"`: "", `{"a":[`: "", `{"a":1 2}`: "", "{\"a\":1}\x00": "", "\ufeff{}": "",
	} {
		if got, ok := AppendPayload([]byte("x"), []byte(body), false); string(got) != "x"+want || ok != (want != "") {
			t.Errorf("%s: got %s %v, want %s", body, got, ok, want)
		}
	}
	for body, want := range map[string]string{
		" \n{\"a\":1}": `{"form":"{"}`, `{`: `{"form":"{"}`, `[{"a":1},{"b":1}]`: `{"form":"["}`, `[]`: `{"form":"["}`, ``: `{"form":"["}`, `1`: `{"form":"["}`, "{\"\xff\"}": "",
	} {
		if got, ok := AppendPayload([]byte("x"), []byte(body), true); string(got) != "x"+want || ok != (want != "") {
			t.Errorf("%s with columns: got %s %v, want %s", body, got, ok, want)
		}
	}
}

func rows(count int) []byte {
	row := `{"id":12345,"name":"some name","price":12.50,"tags":["a","b"]},{"name":"some \"name\"","id":12345,"tags":null,"price":12.50},`
	return []byte("[" + strings.TrimSuffix(strings.Repeat(row, count/2), ",") + "]")
}

func TestPayloadAllocates(t *testing.T) {
	body := rows(10)
	var dst []byte
	if allocated := testing.AllocsPerRun(100, func() { dst, _ = AppendPayload(dst[:0], body, false) }); allocated > 0 {
		t.Errorf("%v allocations", allocated)
	}
}

func benchmarkPayload(b *testing.B, body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		var ok bool
		if dst, ok = AppendPayload(dst[:0], body, false); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkPayload(b *testing.B)     { benchmarkPayload(b, rows(1000)) }
func BenchmarkPayloadLong(b *testing.B) { benchmarkPayload(b, rows(160_000)) } // 10 MB
