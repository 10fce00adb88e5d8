package load

import (
	"fmt"
	"strings"
	"testing"
)

func TestDiscardCountsExactly(t *testing.T) {
	b := start(t, func(o *Options) { o.Discard = true })
	n := int64(0)
	check := func(want int64, body string, headers ...string) {
		t.Helper()
		r := b.must("PUT", b.BEAddr(), loadPath, headers, &oddPieces{data: []byte(body)})
		if want == 0 {
			b.want(r, "Fail", "No rows were imported")
			return
		}
		b.wantCounts(b.want(r, "Success", ""), want, want, 0)
		if n += want; b.Discarded("d", "t") != n {
			t.Errorf("%d rows counted, want %d", b.Discarded("d", "t"), n)
		}
	}
	check(3, "1\ta\t5\n2\tb\t6\n3\tc\t7")
	check(2, "\n\n1\ta\t5\n\n\n2\tb\t6\n\n")
	check(0, "\n\n\n")
	check(1, "head\n\n1\ta\t5\n", "skip_header: 2")
	check(3, "1||a##2||b##3", "row_delimiter: ##")
	check(3, "a#######b#c###d", "row_delimiter: ##")
	check(2, "\"a\n\"\n\"b\"\"\n\"\n", `enclose: "`)
	check(2, `[{"a":"}{\"[","b":{"c":[{}]}}, {"a":"\\"}]`, "format: json", "strip_outer_array: true")
	check(2, `{"a":"}{\"[","b":{"c":[{}]}}`+"\n"+`{"a":"\\"}`, "format: json")
	var csv, objects strings.Builder
	for i := range 100000 {
		fmt.Fprintf(&csv, "%d\t%s\t1\n", i, strings.Repeat("z", i%9))
		fmt.Fprintf(&objects, `{"k":%d,"v":"%s\\"}`, i, strings.Repeat(`\"{`, i%9))
	}
	check(100000, csv.String())
	check(100000, objects.String(), "format: json")
	b.wantRows("t", "")
}
