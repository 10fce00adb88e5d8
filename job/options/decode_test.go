package options

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

type common struct {
	JdbcURL  string `json:"jdbcUrl" gx:"alias=starrocks.jdbc.url" doc:"Where the query port listens."`
	Username string `json:"username" gx:"required,alias=user"`
	Password Secret `json:"password" gx:"emptyOk"`
}

type shardOptions struct {
	Table []string `json:"table" gx:"list"`
	Where string   `json:"where"`
}

type sample struct {
	common
	MaxBatchRows int64             `json:"maxBatchRows" default:"500000" gx:"min=1" doc:"Closes a load when it holds this many rows."`
	MaxBatchSize int64             `json:"maxBatchSize" default:"5242880" gx:"bytes,min=1,alias=bufferflush.maxbytes|sink.buffer-flush.max-bytes"`
	Flush        time.Duration     `json:"flushInterval" default:"300s" gx:"duration=ms,min=1000"`
	TimeoutSec   int               `json:"timeoutSec" gx:"duration=s,emptyIsUnset,max=100"`
	OnError      string            `json:"strategyOnError" default:"exit" gx:"enum=exit|batchDirtyData"`
	SplitPk      string            `json:"splitPk"`
	Ratio        *float64          `json:"ratio" gx:"min=0,max=1"`
	Strict       *bool             `json:"strict"`
	Column       []string          `json:"column" gx:"required"`
	PreSQL       []string          `json:"preSql"`
	LoadURL      []string          `json:"loadUrl" gx:"list,max=2" default:"a:1,b:2"`
	LoadProps    map[string]string `json:"loadProps"`
	Sink         map[string]string `gx:"prefix=sink.properties."`
	Offsets      Value             `json:"offsets"`
	Connection   []shardOptions    `json:"connection"`
	Nested       struct {
		Dir   string `json:"dir" default:"/tmp"`
		Count int8   `json:"count"`
	} `json:"nested"`
	Database string `json:"database" gx:"alias=db|schema,keyWins"`
	Old      string `json:"fe_nodes" gx:"ignored" doc:"use loadUrl"`
}

func (s *sample) Check(path string) []Problem {
	if s.MaxBatchRows > s.MaxBatchSize {
		return []Problem{{Code: CodeConflict, Path: Join(path, "maxBatchRows"), Seen: "more rows than bytes"}}
	}
	return nil
}

func mustParse(t *testing.T, src string) Value {
	t.Helper()
	v, problems := Parse([]byte(src))
	if len(problems) > 0 {
		t.Fatalf("%s: %v", src, problems)
	}
	return v
}

const minimal = `"username":"u","column":["a"],`

func TestDecodeFills(t *testing.T) {
	var got sample
	problems := Decode(mustParse(t, `{"jdbcUrl":"jdbc:mysql://h:9030/","username":7,"password":"","column":"a,b",
		"maxBatchRows":"1e3","maxBatchSize":"1.5MiB","flushInterval":"1m","timeoutSec":"","strategyOnError":"BATCHDIRTYDATA",
		"ratio":"0.5","strict":"false","preSql":["truncate table t",""],"loadUrl":"h1:8030, h2:8030",
		"loadProps":{"row_delimiter":"\\x02","strip_outer_array":true,"timeout":600},
		"sink.properties.format":"json","offsets":{"0":100},
		"connection":{"table":"t1,t2"},"nested":{"count":"12"}}`), "p", &got)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	half, no := 0.5, false
	want := sample{common: common{JdbcURL: "jdbc:mysql://h:9030/", Username: "7"},
		MaxBatchRows: 1000, MaxBatchSize: 1572864, Flush: time.Minute, OnError: "batchDirtyData", Ratio: &half, Strict: &no,
		Column: []string{"a,b"}, PreSQL: []string{"truncate table t", ""}, LoadURL: []string{"h1:8030", "h2:8030"},
		LoadProps: map[string]string{"row_delimiter": `\x02`, "strip_outer_array": "true", "timeout": "600"},
		Sink:      map[string]string{"format": "json"}, Connection: []shardOptions{{Table: []string{"t1", "t2"}}}}
	want.Nested.Dir, want.Nested.Count = "/tmp", 12
	if string(got.Offsets.JSON()) != `{"0":100}` {
		t.Errorf("offsets: %v", got.Offsets)
	}
	got.Offsets = Value{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDecodeDefaults(t *testing.T) {
	var got sample
	if problems := Decode(mustParse(t, `{`+minimal+`"maxBatchRows":null}`), "", &got); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got.MaxBatchRows != 500000 || got.Flush != 5*time.Minute || got.OnError != "exit" || got.Ratio != nil || got.Nested.Dir != "/tmp" || len(got.LoadURL) != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestDecodeReportsEverythingAtOnce(t *testing.T) {
	var got sample
	problems := Decode(mustParse(t, `{
		"maxBatchRows": "abc",
		"maxBatchSize": "5 apples",
		"splitPK": "id",
		"strategyOnError": "exits",
		"ratio": 1.5,
		"nested": {"count": 300, "dri": "x"},
		"connection": [{"table":["a"]}, 7],
		"loadUrl": ["a:1","b:2","c:3"],
		"column": []
	}`), "steps[1].parameter", &got)
	Sort(problems)
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Render("job.json") + "\n")
	}
	want := `job.json:1:1: error [missing] steps[1].parameter.username: required and not given
job.json:2:19: error [wrong-type] steps[1].parameter.maxBatchRows: "abc" is not an integer (allowed: 1 or more); try: 500000
job.json:3:19: error [wrong-type] steps[1].parameter.maxBatchSize: "5 apples" is not a number of bytes (allowed: 1 or more); try: 5242880
job.json:4:3: error [unknown-key] steps[1].parameter.splitPK: no such key; try: splitPk
job.json:5:22: error [not-allowed] steps[1].parameter.strategyOnError: "exits" is not allowed (allowed: exit, batchDirtyData); try: exit
job.json:6:12: error [out-of-range] steps[1].parameter.ratio: 1.5 is too large (allowed: 0 to 1)
job.json:7:23: error [out-of-range] steps[1].parameter.nested.count: 300 is beyond 8 bits
job.json:7:28: error [unknown-key] steps[1].parameter.nested.dri: no such key; try: dir
job.json:8:35: error [wrong-type] steps[1].parameter.connection[1]: 7 is not an object; try: { }
job.json:9:14: error [out-of-range] steps[1].parameter.loadUrl: has 3 elements (allowed: up to 2)
job.json:10:13: error [missing] steps[1].parameter.column: required and empty
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// Other tools count the same thing in other units.
func TestAliasesInOtherUnits(t *testing.T) {
	type limits struct {
		Bytes int64         `json:"bytes" default:"1" gx:"bytes,max=1073741824,alias=sizeMb*1048576"`
		Wait  time.Duration `json:"wait" gx:"duration=ms,alias=waitSec*1000|w"`
		Rows  int           `json:"rows" gx:"alias=thousands*1000"`
	}
	for _, c := range []struct {
		src  string
		want limits
		text string
	}{
		{`{"sizeMb":90}`, limits{Bytes: 90 << 20}, "sizeMb: read as bytes: 94371840"},
		{`{"sizeMb":" 0.5 "}`, limits{Bytes: 512 << 10}, "read as bytes: 524288"},
		{`{"sizeMb":"64MiB"}`, limits{Bytes: 64 << 20}, "read as bytes"},
		{`{"waitSec":"1.5"}`, limits{Bytes: 1, Wait: 1500 * time.Millisecond}, "read as wait: 1500"},
		{`{"waitSec":"2min"}`, limits{Bytes: 1, Wait: 2 * time.Minute}, "read as wait"},
		{`{"w":2}`, limits{Bytes: 1, Wait: 2 * time.Millisecond}, "w: read as wait"},
		{`{"thousands":3}`, limits{Bytes: 1, Rows: 3000}, "read as rows: 3000"},
		{`{"datasource":{"thousands":3}}`, limits{Bytes: 1, Rows: 3000}, ""},
		{`{"sizeMb":1025}`, limits{Bytes: 1}, "too large (allowed: up to 1024 MiB"},
		{`{"sizeMb":0.0000001}`, limits{Bytes: 1}, "is not a number of bytes"},
		{`{"sizeMb":"much"}`, limits{Bytes: 1}, `"much" is not a number of bytes`},
		{`{"thousands":[1]}`, limits{Bytes: 1}, "is not an integer"},
		{`{"thousands":1,"rows":1}`, limits{Bytes: 1, Rows: 1}, "two names of one setting"},
	} {
		var got limits
		problems := Decode(mustParse(t, c.src), "", &got)
		all := ""
		for _, p := range problems {
			all += p.String() + "\n"
		}
		if !strings.Contains(all, c.text) || (!Failed(problems) && got != c.want) {
			t.Errorf("%s: %+v, want %+v; %s", c.src, got, c.want, all)
		}
	}
}

func TestDecodeOneProblem(t *testing.T) {
	for _, c := range []struct{ name, src, code, text string }{
		{"alias is noted", `"bufferflush.maxbytes":"64m"`, CodeMapped, `p["bufferflush.maxbytes"]: read as maxBatchSize`},
		{"alias and key", `"maxBatchSize":600000,"bufferflush.maxbytes":600000`, CodeConflict, "keep only maxBatchSize"},
		{"key wins", `"db":"b","database":"a"`, CodeIgnored, "p.db: has no effect: database comes before it; try: keep only database"},
		{"ignored", `"fe_nodes":"x"`, CodeIgnored, "has no effect: use loadUrl"},
		{"float for integer", `"maxBatchRows":1.5`, CodeWrongType, "1.5 is not an integer"},
		{"integer too long", `"maxBatchRows":99999999999999999999`, CodeOutOfRange, "beyond 64 bits"},
		{"endless exponent", `"maxBatchRows":1e999999999`, CodeWrongType, "not an integer"},
		{"hex", `"maxBatchRows":"0x10"`, CodeWrongType, "not an integer"},
		{"fraction of a byte", `"maxBatchSize":"1.0001k"`, CodeWrongType, "whole number of bytes"},
		{"below", `"maxBatchRows":0`, CodeOutOfRange, "0 is too small (allowed: 1 or more)"},
		{"duration below", `"flushInterval":"10ms"`, CodeOutOfRange, `"10ms" is too small (allowed: 1000 ms or more)`},
		{"duration", `"flushInterval":"soon"`, CodeWrongType, "is not a duration"},
		{"part of a second", `"timeoutSec":"1500ms"`, CodeWrongType, "whole number of s"},
		{"NaN", `"ratio":"NaN"`, CodeWrongType, "not a number"},
		{"bool", `"strict":"maybe"`, CodeWrongType, "neither true nor false"},
		{"object as text", `"splitPk":{"password":"hunter2"}`, CodeWrongType, "p.splitPk: an object is not a text"},
		{"secret value is not shown", `"password":["hunter2"]`, CodeWrongType, "p.password: the value is not a text"},
		{"null in a list", `"preSql":["a",null]`, CodeWrongType, "p.preSql[1]: null"},
		{"map from broken text", `"loadProps":"{\"a\" 1}"`, CodeSyntax, "the text holds an object"},
		{"check", `"maxBatchRows":10,"maxBatchSize":2`, CodeConflict, "more rows than bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got sample
			problems := Decode(mustParse(t, `{`+minimal+c.src+`}`), "p", &got)
			if len(problems) != 1 {
				t.Fatalf("got %v", problems)
			}
			p := problems[0]
			if p.Code != c.code || !strings.Contains(p.String(), c.text) || strings.Contains(p.String(), "hunter2") || p.Line != 1 || p.Col <= len(`{`+minimal) {
				t.Errorf("%d:%d [%s] %s", p.Line, p.Col, p.Code, p)
			}
			if p.Warning != (c.code == CodeMapped || c.code == CodeIgnored) {
				t.Errorf("warning is %v", p.Warning)
			}
		})
	}
}

func TestFirstNameCounts(t *testing.T) {
	for src, want := range map[string]string{
		`"schema":"c","db":"b","database":"a"`: "a", `"schema":"c","database":"a"`: "a", `"schema":"c","db":"b"`: "b", `"schema":"c"`: "c", ``: "",
	} {
		var got sample
		problems := Decode(mustParse(t, `{`+strings.TrimSuffix(minimal+src, ",")+`}`), "p", &got)
		if got.Database != want || Failed(problems) {
			t.Errorf("%s: got %q, want %q; %v", src, got.Database, want, problems)
		}
	}
}

func TestDecodeLenient(t *testing.T) {
	var got sample
	problems := Decode(mustParse(t, `{`+minimal+`"splitPK":"id"}`), "p", &got, Lenient())
	if len(problems) != 1 || !problems[0].Warning || problems[0].Try != "splitPk" || got.SplitPk != "" {
		t.Errorf("got %v and %q", problems, got.SplitPk)
	}
}

func TestDecodeFromDatasource(t *testing.T) {
	var got sample
	problems := Decode(mustParse(t, `{"column":["a"],"starrocks.jdbc.url":"mine",
		"datasource":{"name":"ds","jdbcUrl":"theirs","user":"root","password":"x","maxBatchRows":"lots","unheardOf":1}}`), "p", &got)
	if got.JdbcURL != "mine" || got.Username != "root" || got.Password.Reveal() != "x" {
		t.Errorf("got %+v", got)
	}
	if len(problems) != 2 || problems[0].Code != CodeMapped || problems[1].Path != "p.datasource.maxBatchRows" {
		t.Errorf("got %v", problems)
	}
}

func TestDecodeObjectInText(t *testing.T) {
	var got sample
	problems := Decode(mustParse(t, `{`+minimal+`"loadProps":"{\"format\":\"json\"}","nested":""}`), "p", &got)
	if len(problems) > 0 || got.LoadProps["format"] != "json" || got.Nested.Dir != "/tmp" {
		t.Errorf("got %v, %v", got.LoadProps, problems)
	}
}

func TestDecodeRest(t *testing.T) {
	var got struct {
		Type string           `json:"type"`
		Rest map[string]Value `gx:"rest"`
	}
	problems := Decode(mustParse(t, `{"type":"kafka","topic":"t","n":null}`), "", &got)
	if len(problems) > 0 || len(got.Rest) != 2 || got.Rest["topic"].Text() != "t" || got.Rest["n"].Kind() != Null {
		t.Errorf("got %v, %v", got, problems)
	}
}

func TestDecodeFailedCheckStaysQuietAboutUnreadableValues(t *testing.T) {
	var got sample
	problems := Decode(mustParse(t, `{`+minimal+`"maxBatchRows":"x","maxBatchSize":1}`), "p", &got)
	if len(problems) != 1 || problems[0].Code != CodeWrongType {
		t.Errorf("got %v", problems)
	}
}

func TestBrokenTagsPanic(t *testing.T) {
	for name, dst := range map[string]any{
		"rule": &struct {
			A int `json:"a" gx:"mni=1"`
		}{},
		"number": &struct {
			A int `json:"a" gx:"min=x"`
		}{},
		"unit": &struct {
			A int `json:"a" gx:"duration=weeks"`
		}{},
		"default": &struct {
			A int `json:"a" default:"x"`
		}{},
		"target": sample{},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			Decode(Map(), "", dst)
		}()
	}
}

func TestDescribe(t *testing.T) {
	params := Describe(&sample{})
	byName := map[string]Param{}
	for _, p := range params {
		byName[p.Name] = p
	}
	for name, want := range map[string]Param{
		"maxBatchRows":      {Name: "maxBatchRows", Type: "integer", Default: "500000", Allowed: "1 or more", Doc: "Closes a load when it holds this many rows."},
		"password":          {Name: "password", Type: "secret", Secret: true},
		"username":          {Name: "username", Type: "string", Required: true, Aliases: []string{"user"}},
		"strategyOnError":   {Name: "strategyOnError", Type: "string", Default: "exit", Allowed: "exit, batchDirtyData", Enum: []string{"exit", "batchDirtyData"}},
		"flushInterval":     {Name: "flushInterval", Type: "duration (ms)", Default: "300s", Allowed: "1000 ms or more"},
		"column":            {Name: "column", Type: "list of string", Required: true},
		"sink.properties.*": {Name: "sink.properties.*", Type: "map of string"},
		"offsets":           {Name: "offsets", Type: "any"},
		"ratio":             {Name: "ratio", Type: "number", Allowed: "0 to 1"},
		"connection":        {Name: "connection", Type: "list of object", Children: []Param{{Name: "table", Type: "list of string"}, {Name: "where", Type: "string"}}},
		"fe_nodes":          {Name: "fe_nodes", Type: "string", Ignored: true, Doc: "use loadUrl"},
	} {
		if !reflect.DeepEqual(byName[name], want) {
			t.Errorf("got  %+v\nwant %+v", byName[name], want)
		}
	}
	src, err := json.Marshal(params)
	var back []Param
	if err != nil || json.Unmarshal(src, &back) != nil || !reflect.DeepEqual(back, params) {
		t.Errorf("%s does not come back (%v)", src, err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"splitPk", "table", "maxBatchRows", "sink.maxretries"}
	for name, want := range map[string]string{"splitPK": "splitPk", "split_pk": "splitPk", "tabel": "table", "maxBatchRow": "maxBatchRows",
		"max_batch_rows": "maxBatchRows", "sinkMaxRetries": "sink.maxretries", "encoding": "", "": ""} {
		if got, ok := Nearest(name, known); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
}
