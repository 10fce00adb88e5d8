package starrocks

import (
	"bytes"
	"compress/gzip"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// projected is a batch of JSON tokens.
func projected(names []string, rowsOfTokens ...[]string) arrow.RecordBatch {
	fields := make([]arrow.Field, len(names))
	cols := make([]arrow.Array, len(names))
	for i, n := range names {
		fields[i] = rows.JSONField(n)
		b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
		for _, r := range rowsOfTokens {
			if r[i] == missing {
				b.AppendNull()
			} else {
				b.AppendString(r[i])
			}
		}
		cols[i] = b.NewArray()
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, int64(len(rowsOfTokens)))
}

func TestForms(t *testing.T) {
	tokens := projected([]string{"a", "b"}, []string{"12345678901234567890", `"x\ty"`}, []string{missing, `{"k":[1]}`})
	withOp := projected([]string{"id", "city", "__op"}, []string{"1", `"a"`, "0"}, []string{"2", `"b"`, "1"})
	for _, tc := range []struct {
		name, more string
		rec        arrow.RecordBatch
		body       string
		header     map[string]string // "": must be absent
		fault      string            // place: text
	}{
		{"tokens go as JSON under the writer's names", `"column":["id","city"]`, tokens,
			`[{"id":12345678901234567890,"city":"x\ty"},{"id":null,"city":{"k":[1]}}]`,
			map[string]string{"format": "json", "strip_outer_array": "true", "columns": "`id`,`city`", "column_separator": ""}, ""},
		{"under the reader's names when no others are known", ``, tokens,
			`[{"a":12345678901234567890,"b":"x\ty"},{"a":null,"b":{"k":[1]}}]`, map[string]string{"columns": ""}, ""},
		{"tokens as CSV", `"column":["id","city"],"loadProps":{"format":"csv"}`, tokens,
			"12345678901234567890\x01x\ty\x02\\N\x01{\"k\":[1]}\x02", map[string]string{"format": "csv", "columns": "`id`,`city`", "strip_outer_array": ""}, ""},
		{"typed rows as JSON", `"column":["id","city"],"loadProps":{"format":"JSON"}`, people(1, 2, strconv.Itoa),
			`[{"id":1,"city":"1"},{"id":2,"city":"2"}]`, map[string]string{"format": "json"}, ""},
		{"columns of the job win over column order", `"loadProps":{"columns":"x, y, city = upper(y)"}`, people(1, 1, strconv.Itoa),
			"1\x011\x02", map[string]string{"columns": "x, y, city = upper(y)"}, ""},
		{"quotes", `"column":["id","city"],"loadProps":{"format":"csv","column_separator":",","row_delimiter":"\\n","enclose":"\""}`,
			people(1, 2, func(i int) string { return []string{"", "a,\n\"b\"", ""}[i] }),
			"1,\"a,\n\"\"b\"\"\"\n2,\"\"\n", map[string]string{"column_separator": ",", "row_delimiter": `\x0A`, "enclose": `"`}, ""},
		{"operations as JSON", `"column":["id","city"]`, withOp,
			`[{"id":1,"city":"a","__op":0},{"id":2,"city":"b","__op":1}]`, map[string]string{"columns": "`id`,`city`,__op"}, ""},
		{"operations as CSV", `"column":["id","city"],"loadProps":{"format":"csv"}`, withOp,
			"1\x01a\x010\x022\x01b\x011\x02", map[string]string{"columns": "`id`,`city`,__op"}, ""},
		{"documents with columns", `"column":["id"]`, documents(`{"id":1,"x":2}`), `[{"id":1,"x":2}]`, map[string]string{"columns": "`id`"}, ""},
		{"documents by paths", `"column":["id"],"loadProps":{"jsonpaths":["$.x"]}`, documents(`{"x":2}`), `[{"x":2}]`,
			map[string]string{"columns": "`id`", "jsonpaths": `["$.x"]`}, ""},
		{"one by one", `"loadProps":{"strip_outer_array":false}`, documents(`{"id":1}`), `{"id":1}`, map[string]string{"strip_outer_array": "false"}, ""},
		{"one by one, typed", `"column":["id","city"],"loadProps":{"format":"json","strip_outer_array":"false"}`, people(1, 1, strconv.Itoa), `{"id":1,"city":"1"}`, nil, ""},
		{"flags pass", `"loadProps":{"strict_mode":"TRUE","timeout":30,"partial_update_mode":"Column"}`, documents(`{"id":1}`), `[{"id":1}]`,
			map[string]string{"strict_mode": "true", "timeout": "30", "partial_update_mode": "column"}, ""},
		{"documents for csv", `"column":["id"],"loadProps":{"format":"csv"}`, documents(`{"id":1}`), "", nil, "loadProps.format: the reader sends whole JSON documents"},
		{"too few columns", `"column":["id"]`, people(1, 1, strconv.Itoa), "", nil, "column: rows have 2 columns (id, city), the table takes 1 (id)"},
		{"csv without names", ``, people(1, 1, strconv.Itoa), "", nil, "column: the columns of d.t are not known"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFakeCluster(t)
			f.answer = func(l fakeLoad) string { return success(l.label, int(tc.rec.NumRows()), 0, 0) }
			s := newSession(t)
			s.mustOpen(params(f, tc.more), 64<<20)
			st := s.lane("0")
			st.send(1, "", tc.rec)
			err := st.finish()
			if tc.fault != "" {
				if fault := protocol.AsFault(err); fault == nil || fault.Code != protocol.Config || !strings.HasPrefix(fault.Error(), tc.fault) || fault.Try == "" {
					t.Fatalf("%+v", fault)
				}
				return
			}
			if err != nil {
				t.Fatalf("%+v", protocol.AsFault(err))
			}
			loads := f.seen()
			if len(loads) != 1 || string(loads[0].body) != tc.body {
				t.Fatalf("%d loads, %q, want %q", len(loads), loads[0].body, tc.body)
			}
			for k, want := range tc.header {
				if got := loads[0].header.Get(k); got != want {
					t.Errorf("header %s is %q, want %q", k, got, want)
				}
			}
		})
	}
}

func TestOperationsNeedAPrimaryKey(t *testing.T) {
	f := newFakeCluster(t)
	q := newFakeSQL(t, tableResults("DUP_KEYS", "id", "city"))
	s := newSession(t)
	s.mustOpen(withSQL(f, q, ""), 64<<20)
	st := s.lane("0")
	st.send(1, "", projected([]string{"id", "city", "__op"}, []string{"1", `"a"`, "1"}))
	if fault := protocol.AsFault(st.finish()); fault == nil || !strings.Contains(fault.What, "table d.t is DUPLICATE KEY, which cannot delete") {
		t.Errorf("%+v", fault)
	}
}

func TestStripOuterArrayFalseSendsOneRowPerLoad(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, `"loadProps":{"strip_outer_array":false}`), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`, `{"id":2}`, `{"id":3}`))
	if a := st.mustFinish(); a.Loads != 3 || a.Landed != 3 {
		t.Errorf("%v", a)
	}
}

func TestCompression(t *testing.T) {
	for _, tc := range []struct{ more, format, compression string }{
		{`"loadProps":{"compression":"GZIP"}`, "json", "gzip"},
		{`"loadProps":{"compression":"LZ4_FRAME"}`, "json", "lz4_frame"},
		{`"loadProps":{"compression":"zstd"}`, "json", "zstd"},
		{`"column":["id","city"],"loadProps":{"format":"csv","compression":"lz4_frame"}`, "lz4", ""},
		{`"column":["id","city"],"loadProps":{"format":"csv","compression":"gzip"}`, "gzip", ""},
	} {
		f := newFakeCluster(t)
		f.answer = func(l fakeLoad) string { return success(l.label, 2, 0, 0) }
		s := newSession(t)
		s.mustOpen(params(f, tc.more), 64<<20)
		st := s.lane("0")
		if tc.format == "json" {
			st.send(1, "", documents(`{"id":1}`, `{"id":2}`))
		} else {
			st.send(1, "", people(1, 2, strconv.Itoa))
		}
		a := st.mustFinish()
		l := f.seen()[0]
		if l.header.Get("format") != tc.format || l.header.Get("compression") != tc.compression || l.body[0] == '[' || l.body[0] == '1' {
			t.Errorf("%s: %v %q", tc.more, l.header, l.body)
		}
		if want := map[string]uint64{"json": 19, "lz4": 8, "gzip": 8}[tc.format]; a.LoadBytes != want {
			t.Errorf("%s: %d bytes before compression, want %d", tc.more, a.LoadBytes, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	p := strings.Replace(params(f, `"topic2table":{"orders":"o","/shop\\.(\\w+)/":"other.$1"}`), `"table":"t",`, "", 1)
	if !s.mustOpen(p, 64<<20).GetSelf().GetWantsDestination() {
		t.Error("the reader is not asked where its rows come from")
	}
	if newSession(t).mustOpen(params(f, ""), 64<<20).GetSelf().GetWantsDestination() {
		t.Error("the reader is asked where its rows come from, and the writer has a table")
	}
	st := s.lane("0")
	for i, topic := range []string{"orders", "shop.carts", "plain"} {
		st.send(uint64(i+1), topic, documents(`{"id":1}`))
	}
	st.mustFinish()
	var paths []string
	for _, l := range f.seen() {
		paths = append(paths, strings.TrimSuffix(strings.TrimPrefix(l.path, "/api/"), "/_stream_load"))
	}
	for _, want := range []string{"d/o", "other/carts", "d/plain"} {
		if count(paths, want) != 1 {
			t.Errorf("paths %q lack %s", paths, want)
		}
	}
	st = s.lane("1")
	st.send(1, "", documents(`{"id":1}`))
	if fault := protocol.AsFault(st.finish()); fault == nil || fault.Place != "table" {
		t.Errorf("%+v", fault)
	}
}

func TestBrokenBatches(t *testing.T) {
	for name, b := range map[string]*v1.Batch{
		"garbage":    {Sequence: 1, Rows: 1, Arrow: []byte("not arrow at all")},
		"row count":  {Sequence: 1, Rows: 7, Arrow: mustEncode(t, documents(`{"id":1}`))},
		"table name": {Sequence: 1, Rows: 1, Destination: "a/b", Arrow: mustEncode(t, documents(`{"id":1}`))},
	} {
		f := newFakeCluster(t)
		s := newSession(t)
		s.mustOpen(params(f, ""), 64<<20)
		st := s.lane("0")
		if err := st.grpc.Send(b); err != nil {
			t.Fatal(err)
		}
		if fault := protocol.AsFault(st.finish()); fault == nil || (fault.Code != protocol.PluginFailed && fault.Code != protocol.Config) {
			t.Errorf("%s: %+v", name, fault)
		}
		if len(f.seen()) != 0 {
			t.Errorf("%s: something was loaded", name)
		}
	}
}

func mustEncode(t testing.TB, rec arrow.RecordBatch) []byte {
	p, err := rows.Encode(rec)
	if err != nil {
		t.Fatal(err)
	}
	return p.Materialize()
}

func TestDirtyRowsAreDescribed(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, `"column":["id","city"],"loadProps":{"format":"csv"}`), 64<<20)
	st := s.lane("0")
	st.send(1, "", people(1, 3, func(i int) string { return []string{"", "a\x01b", `\N`, "bin\xff"}[i] }))
	a := st.mustFinish()
	var got []string
	for _, d := range a.Dirty {
		got = append(got, d.Column+" "+string(d.Record))
	}
	want := `city {"id":"1","city":"a\u0001b"}|city {"id":"2","city":"\\N"}|city {"id":"3","city":"0x62696eff"}`
	if strings.Join(got, "|") != want || a.Loads != 0 || st.done[1] != 1 {
		t.Errorf("%s, want %s", strings.Join(got, "|"), want)
	}
}

// Rows that CSV cannot carry go as JSON, with what follows them, until their load is closed; then CSV goes on. Every row
// keeps its place.
func TestRowsThatCSVCannotCarryGoAsJSON(t *testing.T) {
	f := newFakeCluster(t)
	f.answer = func(l fakeLoad) string {
		if l.header.Get("format") == "gzip" {
			return success(l.label, gunzipped(t, l), 0, 0)
		}
		return ""
	}
	s := newSession(t)
	s.mustOpen(params(f, `"column":["id","city"],"maxBatchRows":3,"loadProps":{"compression":"gzip","strict_mode":true}`), 64<<20)
	st := s.lane("0")
	texts := []string{"a", "b", "c\x01d", `\N`, "e", "f", "g\x02", "bin\xff", "h", "i", "j", "k", "l", "m"}
	st.send(1, "", people(0, 8, func(i int) string { return texts[i] }))
	st.send(2, "", people(8, 6, func(i int) string { return texts[i] }))
	a := st.mustFinish()
	var got []string
	for _, l := range f.seen() {
		if l.header.Get("format") == "gzip" {
			got = append(got, "csv "+strings.ReplaceAll(gunzip(t, l.body), "\x02", ";"))
			continue
		}
		if l.header.Get("format") != "json" || l.header.Get("compression") != "" || l.header.Get("strip_outer_array") != "true" ||
			l.header.Get("columns") != "`id`,`city`" || l.header.Get("strict_mode") != "true" || l.header.Get("column_separator") != "" {
			t.Errorf("headers %v", l.header)
		}
		got = append(got, string(l.body))
	}
	want := []string{"csv 0\x01a;1\x01b;", `[{"id":2,"city":"c\u0001d"},{"id":3,"city":"\\N"},{"id":4,"city":"e"}]`, "csv 5\x01f;",
		`[{"id":6,"city":"g\u0002"},{"id":8,"city":"h"},{"id":9,"city":"i"}]`, "csv 10\x01j;11\x01k;12\x01l;", "csv 13\x01m;"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if a.Landed != 13 || len(a.Dirty) != 1 || a.Dirty[0].Row != 7 || a.FlushReasons["format"] != 2 {
		t.Errorf("%v", a)
	}
}

func gunzip(t *testing.T, body []byte) string {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func gunzipped(t *testing.T, l fakeLoad) int { return strings.Count(gunzip(t, l.body), "\x02") }

// Whoever pins the format has dirty rows instead.
func TestAPinnedFormatStays(t *testing.T) {
	for _, more := range []string{`{"format":"csv"}`, `{"column_separator":"\\x01"}`, `{"trim_space":true}`} {
		f := newFakeCluster(t)
		s := newSession(t)
		s.mustOpen(params(f, `"column":["id","city"],"loadProps":`+more), 64<<20)
		st := s.lane("0")
		st.send(1, "", people(1, 3, func(i int) string { return []string{"", "a", `\N`, "b"}[i] }))
		if a := st.mustFinish(); a.Landed != 2 || len(a.Dirty) != 1 || len(f.seen()) != 1 {
			t.Errorf("%s: %v", more, a)
		}
	}
}

// typed is a batch of columns of any type, from JSON.
func typed(t testing.TB, fields []arrow.Field, text string) arrow.RecordBatch {
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(fields, nil), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestTreatments(t *testing.T) {
	fields := []arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.BinaryTypes.Binary, Nullable: true},
		{Name: "c", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "d", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "e", Type: arrow.BinaryTypes.String, Nullable: true}}
	row := `[{"a":1,"b":"AP8=","c":"0000-00-00","d":"1970-01-01 00:00:01Z","e":"0000-00-00"}]`
	table := []string{"id", "raw varbinary", "born DATE", "at datetime", "name varchar", "gx_hex_raw"}
	const columns = `"column":["id","raw","born","at","name"]`
	header := "`id`,`gx_hex_raw_`,`born`,`at`,`name`,`raw`=to_binary(`gx_hex_raw_`,'hex')"
	for _, tc := range []struct{ name, more, body string }{
		{"by itself", columns, "1\x0100ff\x011970-01-01\x011970-01-01 00:00:01\x010000-00-00\x02"},
		{"as JSON", columns + `,"loadProps":{"format":"json"}`,
			`[{"id":1,"gx_hex_raw_":"00ff","born":"1970-01-01","at":"1970-01-01 00:00:01","name":"0000-00-00"}]`},
		{"zeroDate null", columns + `,"zeroDate":"NULL"`, "1\x0100ff\x01\\N\x011970-01-01 00:00:01\x010000-00-00\x02"},
		{"zeroDate by its alias", columns + `,"defaultZeroDate":"2000-02-29"`, "1\x0100ff\x012000-02-29\x011970-01-01 00:00:01\x010000-00-00\x02"},
		{"zeroDateColumns", columns + `,"zeroDate":"error","zeroDateColumns":{"BORN":"1900-01-01 01:02:03","name":"null"}`,
			"1\x0100ff\x011900-01-01\x011970-01-01 00:00:01\x01\\N\x02"},
		{"convertTimeZone", columns + `,"convertTimeZone":true,"timeZone":"-03:30"`, "1\x0100ff\x011970-01-01\x011969-12-31 20:30:01\x010000-00-00\x02"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFakeCluster(t)
			q := newFakeSQL(t, tableResults("DUP_KEYS", table...))
			s := newSession(t)
			s.mustOpen(withSQL(f, q, tc.more), 64<<20)
			st := s.lane("0")
			st.send(1, "", typed(t, fields, row))
			if a := st.mustFinish(); a.Landed != 1 {
				t.Fatalf("%v", a)
			}
			if l := f.seen()[0]; string(l.body) != tc.body || l.header.Get("columns") != header {
				t.Errorf("%s: %q, columns %s", tc.name, l.body, l.header.Get("columns"))
			}
		})
	}
	f := newFakeCluster(t)
	q := newFakeSQL(t, tableResults("DUP_KEYS", table...))
	s := newSession(t)
	s.mustOpen(withSQL(f, q, columns+`,"zeroDate":"error"`), 64<<20)
	st := s.lane("0")
	st.send(1, "", typed(t, fields, row))
	if a := st.mustFinish(); a.Landed != 0 || len(a.Dirty) != 1 || a.Dirty[0].Column != "born" || !strings.Contains(a.Dirty[0].Reason, "zero date") {
		t.Errorf("%v", a)
	}
}

// The reader is asked for columns where the writer must look at values, and whole documents are refused then.
func TestTreatmentsNeedColumns(t *testing.T) {
	for _, more := range []string{`"zeroDate":"null"`, `"convertTimeZone":true,"timeZone":"Asia/Shanghai"`, `"zeroDateColumns":{"born":"null"}`} {
		f := newFakeCluster(t)
		q := newFakeSQL(t, tableResults("DUP_KEYS", "id", "born date"))
		s := newSession(t)
		if r := s.mustOpen(withSQL(f, q, more), 64<<20); !r.Self.WantsColumns {
			t.Errorf("%s: %v", more, r.Self)
		}
		st := s.lane("0")
		st.send(1, "", documents(`{"id":1}`))
		if fault := protocol.AsFault(st.finish()); fault == nil || fault.Code != protocol.Config || fault.Place != "column" {
			t.Errorf("%s: %+v", more, fault)
		}
	}
	f := newFakeCluster(t)
	s := newSession(t)
	if _, err := s.open(withSQL(f, newFakeSQL(t, tableResults("DUP_KEYS", "id")), `"zeroDateColumns":{"nothere":"null"}`), 64<<20); err == nil ||
		protocol.AsFault(err).Place != "zeroDateColumns" {
		t.Errorf("%v", err)
	}
}
