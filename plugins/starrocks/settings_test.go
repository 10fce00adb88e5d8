package starrocks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
)

// settled decodes parameters as the SDK does and gives what the writer makes of them.
// Without strict_mode there is little to sift, and the job hears of it.
func TestSiftingWantsStrictMode(t *testing.T) {
	for more, path := range map[string]string{
		`"strategyOnError":"ROWdirtydata"`:                                     "loadProps",
		`"strategyOnError":"rowDirtyData","loadProps":{"strict_mode":false}`:   "loadProps.strict_mode",
		`"strategyOnError":"rowDirtyData","loadProps":{"strict_mode":true}`:    "",
		`"strategyOnError":"batchDirtyData","loadProps":{"strict_mode":false}`: "",
	} {
		_, _, problems := settled(t, "{"+override(enough, more)+"}")
		got := ""
		for _, p := range problems {
			if strings.Contains(p.Seen, "become NULL") {
				got = p.Path
			}
		}
		if got != path {
			t.Errorf("%s: noted at %q, want %q: %v", more, got, path, problems)
		}
	}
}

func settled(t *testing.T, src string) (*Params, settings, []options.Problem) {
	t.Helper()
	v, problems := options.Parse([]byte(src))
	if options.Failed(problems) {
		t.Fatalf("%s: %v", src, problems)
	}
	p := &Params{}
	problems = options.Decode(v, "", p)
	s, _ := p.settle("")
	return p, s, problems
}

const enough = `"loadUrl":"fe1","username":"root","password":"x","selectedDatabase":"d","table":"t"`

// What is wrong with parameters, one at a time: where, and what to try or what is allowed.
func TestProblems(t *testing.T) {
	jdbc := `"jdbcUrl":"fe1"`
	for _, tc := range []struct{ more, path, text string }{
		{`"loadProps":{"colum_separator":"x"}`, "loadProps.colum_separator", "no such load property; try: column_separator"},
		{`"loadProps":{"label":"x"}`, "loadProps.label", "this header belongs to gx; try: labelPrefix"},
		{`"loadProps":{"Authorization":"x"}`, "loadProps.Authorization", "username and password"},
		{`"loadProps":{"expect":"x"}`, "loadProps.expect", "gx always sends it"},
		{`"loadProps":{"Content-Length":1}`, "loadProps.Content-Length", "belongs to gx"},
		{`"loadProps":{"skip_header":1}`, "loadProps.skip_header", "drop rows"},
		{`"loadProps":{"enable_merge_commit":true}`, "loadProps.enable_merge_commit", "replaces the label"},
		{`"loadProps":{"where":"a\r\nX: y"}`, "loadProps.where", "line break"},
		{`"loadProps":{"columns":"a\u0000b"}`, "loadProps.columns", "control character"},
		{`"loadProps":{"format":"xml"}`, "loadProps.format", "allowed: csv, json"},
		{`"loadProps":{"format":"gzip"}`, "loadProps.format", `"compression":"gzip"`},
		{`"loadProps":{"format":"json","Format":"csv"}`, "loadProps.Format", "given twice"},
		{`"loadProps":{"column_separator":""}`, "loadProps.column_separator", "is empty"},
		{`"loadProps":{"column_separator":"\\x1"}`, "loadProps.column_separator", "even number"},
		{`"loadProps":{"row_delimiter":"\\xZZ"}`, "loadProps.row_delimiter", "hexadecimal"},
		{`"loadProps":{"column_separator":",","row_delimiter":","}`, "loadProps.column_separator", "overlap"},
		{`"loadProps":{"row_delimiter":"\\x01"}`, "loadProps.row_delimiter", "overlap"},
		{`"loadProps":{"enclose":"\"\""}`, "loadProps.enclose", "one ASCII character"},
		{`"loadProps":{"escape":"!"}`, "loadProps.escape", "without enclose"},
		{`"loadProps":{"enclose":"\"","escape":"\\"}`, "loadProps.escape", `\N`},
		{`"loadProps":{"compression":"bzip2"}`, "loadProps.compression", "not supported for writing (allowed: gzip, lz4_frame, zstd)"},
		{`"loadProps":{"compression":"rar"}`, "loadProps.compression", "no compression"},
		{`"loadProps":{"strict_mode":"maybe"}`, "loadProps.strict_mode", "neither true nor false"},
		{`"loadProps":{"max_filter_ratio":1.5}`, "loadProps.max_filter_ratio", "0 to 1"},
		{`"loadProps":{"max_filter_ratio":"few"}`, "loadProps.max_filter_ratio", "0 to 1"},
		{`"loadProps":{"timeout":0}`, "loadProps.timeout", "1 to 259200"},
		{`"loadProps":{"log_rejected_record_num":-2}`, "loadProps.log_rejected_record_num", "-1 to"},
		{`"loadProps":{"load_mem_limit":"2GB"}`, "loadProps.load_mem_limit", "whole number"},
		{`"loadProps":{"partial_update_mode":"rows"}`, "loadProps.partial_update_mode", "row, column, auto"},
		{`"loadProps":{"jsonpaths":"$.a"}`, "loadProps.jsonpaths", "JSON array"},
		{`"loadProps":{"partial_update":true}`, "column", "partial_update needs"},
		{`"loadProps":{"partial_update":true,"merge_condition":"v"},"column":["id","a"]`, "loadProps.merge_condition", "v is not among the columns"},
		{"\"loadProps\":{\"merge_condition\":\"``\"}", "loadProps.merge_condition", "is empty"},
		{`"loadProps":{"columns":"a,,b"}`, "loadProps.columns", "empty item"},
		{`"loadProps":{"columns":"a=f(b"}`, "loadProps.columns", "not closed"},
		{`"loadProps":{"columns":"a=1"}`, "loadProps.columns", "names no column"},
		{`"loadProps":{"columns":"a,b"},"column":["a"]`, "column", "takes 2 values (a, b)"},
		{`"loadProps":{"partitions":"p1","temporary_partitions":"p2"}`, "loadProps.temporary_partitions", "partitions is given too"},
		{`"loadProps":{"where":["a"]}`, "loadProps.where", "neither text, number nor boolean"},
		{`"loadProps":{"where":" "}`, "loadProps.where", "is empty"},
		{`"loadProps":[1]`, "loadProps", "is not an object"},
		{`"loadProps":"{broken"`, "loadProps", "holds no JSON object"},
		{`"loadProps":{"format":"csv"}`, "column", "cannot be known without jdbcUrl"},
		{`"sink.properties.strict_mode":"x"`, `["sink.properties.strict_mode"]`, "neither true nor false"},
		{`"column":["a","A"]`, "column[1]", "twice"},
		{"\"column\":[\"a\",\"`a`\"]", "column[1]", "twice"},
		{`"column":["a",""]`, "column[1]", "empty"},
		{`"column":["*","a"]`, "column[0]", "cannot be mixed"},
		{`"column":["__op","a"]`, "column[0]", "must be the last"},
		{`"column":["__op"]`, "column[0]", "no row"},
		{`"column":["a\nb"]`, "column[0]", "control character"},
		{`"maxBatchRows":0`, "maxBatchRows", "too small"},
		{`"maxBatchRows":"many"`, "maxBatchRows", "integer"},
		{`"maxBatchSize":0`, "maxBatchSize", "too small"},
		{`"totalBufferBytes":10737418241`, "totalBufferBytes", "too large"},
		{`"flushInterval":3600001`, "flushInterval", "too large"},
		{`"flushInterval":0`, "flushInterval", "too small"},
		{`"flushQueueLength":0`, "flushQueueLength", "too small"},
		{`"maxRetries":11`, "maxRetries", "too large"},
		{`"maxRetries":-2`, "maxRetries", "too small"},
		{`"connectTimeoutMs":99`, "connectTimeoutMs", "too small"},
		{`"strategyOnError":"ignore"`, "strategyOnError", "exit, batchDirtyData"},
		{`"writeMode":"insert"`, "writeMode", "the table model decides"},
		{`"preSql":"truncate table t"`, "preSql", "give jdbcUrl"},
		{`"postSql":["x"]`, "postSql", "give jdbcUrl"},
		{jdbc + `,"preSql":"truncate @table","table":""`, "preSql[0]", "@table stands for"},
		{`"redirectMap":{"a:b":"c"}`, `redirectMap["a:b"]`, "host:port on both sides"},
		{`"redirect":"elsewhere"`, "redirect", "follow, sameHost, be:host:port"},
		{`"redirect":"be:"`, "redirect", "names no backend"},
		{`"redirect":"be:b:1,root:pw@b"`, "redirect", "user name"},
		{`"allowedHosts":["*"]`, "allowedHosts[0]", "not the first part"},
		{`"allowedHosts":["root:pw@h"]`, "allowedHosts[0]", "user name"},
		{`"jdbcUrl":"http://fe1:8030"`, "jdbcUrl", "MySQL port"},
		{`"jdbcUrl":["fe1","fe:x"]`, "jdbcUrl[1]", "not between"},
		{`"jdbcUrl":"jdbc:mysql://"`, "jdbcUrl", "names no host"},
		{`"table":"other.t"`, "table", `names database "other", selectedDatabase names "d"`},
		{`"table":"a/b"`, "table", "no name has"},
		{`"connection":[{"table":["a","b"]}]`, "connection[0].table[1]", "one table"},
		{`"connection":[{},{}]`, "connection[1]", "one target"},
		{`"topic2table":"a"`, "topic2table", "no colon"},
		{`"topic2table":"a:b,a:c"`, "topic2table", "twice"},
		{`"topic2table":{"/(/":"x"}`, `topic2table["/(/"]`, "no regular expression"},
		{`"topic2table":{"a":""}`, "topic2table.a", "not complete"},
		{`"topic2table":"a:b/c"`, "topic2table", "no table has"},
		{`"topic2table":{"a":"d.b\\c"}`, "topic2table.a", "no table has"},
		{`"topic2table":[1]`, "topic2table", "neither a text nor an object"},
		{`"labelPrefix":"a\nb"`, "labelPrefix", "no label has"},
		{`"labelPrefix":"a.b"`, "labelPrefix", "letters, digits, _ and -"},
		{`"labelPrefix":"` + strings.Repeat("x", 65) + `"`, "labelPrefix", "up to 64"},
		{`"sink.semantic":"exactly-once"`, `["sink.semantic"]`, `"deliveryGuarantee":"exactly-once" in setting`},
		{`"sink.semantic":"exactly"`, `["sink.semantic"]`, "at-least-once, exactly-once"},
		{`"sink.parallelism":0`, `["sink.parallelism"]`, "1 or more"},
		{`"flushPauseMs":-1`, "flushPauseMs", "too small"},
		{`"realFlushPauseSec":-1`, "realFlushPauseSec", "too small"},
		{`"totalBufferBytes":0`, "totalBufferBytes", "too small"},
		{`"totalDataInMemMb":10241`, "totalDataInMemMb", "too large"},
		{`"flushBatchMb":"big"`, "flushBatchMb", "is not a number of bytes"},
		{`"asyncFlushIntervalSec":3601`, "asyncFlushIntervalSec", "too large"},
		{`"connectTimeoutMs":60001`, "connectTimeoutMs", "too large"},
		{`"httpSoTimeoutSec":-1`, "httpSoTimeoutSec", "too small"},
		{`"soTimeoutSec":0`, "soTimeoutSec", "too small"},
		{`"splitpk":"id"`, "splitpk", "no such key"},
		{jdbc + `,"zeroDate":"0000-00-00"`, "zeroDate", "is no date"},
		{`"zeroDate":"null"`, "zeroDate", "zeroDateColumns"},
		{`"zeroDateColumns":{"a":"never"}`, "zeroDateColumns.a", "is no date"},
		{`"convertTimeZone":true`, "timeZone", "needs the zone"},
		{`"timeZone":"Mars/Olympus"`, "timeZone", "is no time zone"},
		{`"timeZone":"Local"`, "timeZone", "is no time zone"},
		{jdbc + `,"zeroDate":"null","loadProps":{"jsonpaths":["$.a"]}`, "loadProps.jsonpaths", "whole documents"},
	} {
		_, _, problems := settled(t, "{"+override(enough, tc.more)+"}")
		found := false
		for _, p := range problems {
			found = found || (!p.Warning && p.Path == tc.path && strings.Contains(p.String(), tc.text))
			if strings.Contains(p.String(), "pw@") {
				t.Errorf("%s: a password shows: %s", tc.more, p)
			}
		}
		if !found {
			t.Errorf("%s: want %s: …%s…, got %v", tc.more, tc.path, tc.text, problems)
		}
	}
	for key, text := range map[string]string{"loadUrl": "required", "username": "required", "selectedDatabase": "required"} {
		v, _ := options.Parse([]byte("{" + enough + "}"))
		problems := options.Decode(v.Without(key), "p", &Params{})
		if !slices.ContainsFunc(problems, func(p options.Problem) bool {
			return !p.Warning && p.Path == "p."+key && strings.Contains(p.Seen, text)
		}) {
			t.Errorf("without %s: %v", key, problems)
		}
	}
}

// override replaces keys of base that more gives too.
func override(base, more string) string {
	b, _ := options.Parse([]byte("{" + base + "}"))
	m, _ := options.Parse([]byte("{" + more + "}"))
	out := string(m.JSON())
	for _, member := range b.Members() {
		if m.Get(member.Key).Kind() == options.Missing {
			out = strings.TrimSuffix(out, "}") + fmt.Sprintf(",%q:%s}", member.Key, member.Value.JSON())
		}
	}
	return strings.TrimSuffix(strings.TrimPrefix(out, "{"), "}")
}

// What is silently assumed elsewhere is said here.
func TestNotes(t *testing.T) {
	for _, tc := range []struct{ src, path, text string }{
		{`"loadUrl":"fe1","username":"root","selectedDatabase":"d","table":"t"`, "password", "read as empty"},
		{override(enough, `"database":"e"`), "database", "selectedDatabase comes before it"},
		{override(enough, `"starrocks.database.name":"e"`), `["starrocks.database.name"]`, "selectedDatabase comes before it"},
		{override(enough, `"connection":[{"selectedDatabase":"c"}]`), "selectedDatabase", `connection[0].selectedDatabase ("c") comes before it`},
		{override(enough, `"connection":[{"table":["c"]}]`), "table", `connection[0].table ("c") comes before it`},
		{override(enough, `"jdbcUrl":"fe1","connection":[{"jdbcUrl":"fe2"}]`), "jdbcUrl", `connection[0].jdbcUrl ("fe2") comes before it`},
		{enough, "loadProps", "read as { }"},
		{enough, "jdbcUrl", "not checked before the first load"},
		{override(enough, `"table":""`), "table", "the name that the reader gives"},
		{override(enough, `"flushInterval":999`), "flushInterval", "1000"},
		{override(enough, `"totalBufferBytes":1000`), "totalBufferBytes", "small and many"},
		{override(enough, `"loadProps":{"strip_outer_array":false}`), "loadProps.strip_outer_array", "maxBatchRows is 1"},
		{override(enough, `"column":["a"],"loadProps":{"format":"csv"}`), "loadProps.format", `column_separator is not given: \x01`},
		{override(enough, `"column":["a"],"loadProps":{"format":"csv","column_separator":","}`), "loadProps.format", `row_delimiter is not given: \x02`},
		{override(enough, `"loadProps":{"format":"json","row_delimiter":"\n"}`), "loadProps.row_delimiter", "no effect with format json"},
		{override(enough, `"column":["a"],"loadProps":{"format":"csv","jsonpaths":["$.a"]}`), "loadProps.jsonpaths", "no effect with format csv"},
		{override(enough, `"redirect":"be:b","redirectMap":{"a:1":"b:1"}`), "redirectMap", "redirect names the backends"},
		{override(enough, `"httpTimeoutSec":10`), "httpTimeoutSec", "shorter than the 600 s"},
		{override(enough, `"httpTimeoutSec":1000,"loadProps":{"timeout":1001}`), "httpTimeoutSec", "shorter than the 1001 s"},
		{override(enough, `"jdbcUrl":"jdbc:mysql://fe1/?characterEncoding=utf8&allowPublicKeyRetrieval=true"`), "jdbcUrl", "no effect: allowPublicKeyRetrieval"},
		{`"loadUrl":"fe1","username":"root","password":"","table":"t","jdbcUrl":"jdbc:mysql://fe1/shop"`, "selectedDatabase", `"shop", as jdbcUrl says`},
	} {
		_, _, problems := settled(t, "{"+tc.src+"}")
		if options.Failed(problems) {
			t.Errorf("%s: %v", tc.src, problems)
		}
		if !slices.ContainsFunc(problems, func(p options.Problem) bool {
			return p.Warning && p.Path == tc.path && strings.Contains(p.String(), tc.text)
		}) {
			t.Errorf("%s: want a note at %s: …%s…, got %v", tc.src, tc.path, tc.text, problems)
		}
	}
}

// The forms in which DataX, DataWorks and the Kafka connector write the same thing.
func TestAliases(t *testing.T) {
	for name, src := range map[string]string{
		"DataWorks": `"loadUrl":["fe1:8030","http://fe2:8031"],"jdbcUrl":"jdbc:mysql://fe1:9030,fe2/","username":"root","password":"","selectedDatabase":"d","table":"t"`,
		"one text":  `"loadUrl":"fe1, fe2:8031;fe1","jdbcUrl":["fe1","fe2:9030"],"username":"root","password":"","table":"d.t"`,
		"DataX":     `"loadUrl":["fe1:8030","fe2:8031"],"username":"root","password":"","database":"d","connection":[{"jdbcUrl":"jdbc:mysql://fe1:9030/,fe2:9030","table":["t"],"selectedDatabase":"d"}]`,
		"connector": `"starrocks.http.url":"fe1,fe2:8031","jdbcUrl":"mysql://fe1,fe2","starrocks.username":"root","starrocks.password":"","starrocks.database.name":"d","table":"t"`,
		"quoted":    "\"loadUrl\":\"fe1,fe2:8031\",\"jdbcUrl\":\"fe1,fe2\",\"username\":\"root\",\"password\":\"\",\"table\":\"`d`.`t`\"",
		"shared":    `"datasource":{"loadUrl":["fe1","fe2:8031"],"jdbcUrl":"jdbc:mysql://fe1,fe2/","username":"root","password":"","database":"d"},"table":"t"`,
	} {
		_, s, problems := settled(t, "{"+src+"}")
		var fes []string
		for _, e := range s.frontends {
			fes = append(fes, e.String())
		}
		if got, want := strings.Join(fes, " "), "http://fe1:8030 http://fe2:8031"; got != want || options.Failed(problems) {
			t.Errorf("%s: loadUrl %s, want %s; %v", name, got, want, problems)
		}
		if got, want := strings.Join(s.mysql.addrs, " "), "fe1:9030 fe2:9030"; got != want {
			t.Errorf("%s: jdbcUrl %s, want %s", name, got, want)
		}
		if s.database != "d" || s.table != "t" || s.user != "root" {
			t.Errorf("%s: %s.%s for %s", name, s.database, s.table, s.user)
		}
	}
	p, s, problems := settled(t, `{"starrocks.http.url":"fe1","starrocks.username":"u","starrocks.password":"p","starrocks.database.name":"d",
		"starrocks.topic2table.map":"test.public.customers:customers","bufferflush.maxbytes":67108864,"bufferflush.intervalms":"1000","connect.timeoutms":3000,
		"sink.properties.strip_outer_array":"true","sink.properties.format":"json","sink.properties.partial_update":"FALSE","sink.maxretries":-1}`)
	if options.Failed(problems) || p.TotalBufferBytes != 64<<20 || *p.FlushInterval != 1000 || p.ConnectTimeoutMs != 3000 || p.MaxRetries != -1 ||
		s.props.format != "json" || s.props.oneByOne || !strings.Contains(fmt.Sprint(s.props.header), "partial_update:[false]") || tableFor(s.routes, "test.public.customers") != "customers" {
		t.Errorf("%+v %+v %v", p, s.props, problems)
	}
}

// connection[0].selectedDatabase comes before selectedDatabase, and that before database, as in DataX; so for tables and servers.
func TestPrecedenceOfDataX(t *testing.T) {
	const rest = `"loadUrl":["fe1"],"username":"root","password":"",`
	for src, want := range map[string]string{
		`"jdbcUrl":"a","database":"x","table":"t"`:                                                                                                   "a:9030 x.t",
		`"jdbcUrl":"a","database":"x","selectedDatabase":"y","table":"t"`:                                                                            "a:9030 y.t",
		`"jdbcUrl":"a","database":"x","selectedDatabase":"y","table":"t","connection":[{"selectedDatabase":"z"}]`:                                    "a:9030 z.t",
		`"jdbcUrl":"a","database":"x","table":"t","connection":[{"jdbcUrl":"jdbc:mysql://b:1/","table":["u"]}]`:                                      "b:1 x.u",
		`"jdbcUrl":"a","selectedDatabase":"y","table":"t","connection":[{"jdbcUrl":"b:1","table":["u"],"selectedDatabase":"z"}]`:                     "b:1 z.u",
		`"database":"x","table":"t","connection":[{"jdbcUrl":"jdbc:mysql://b:1/own?useSSL=false","table":["u"],"selectedDatabase":"` + "`z`" + `"}]`: "b:1 z.u",
	} {
		_, s, problems := settled(t, "{"+rest+src+"}")
		if got := fmt.Sprintf("%s %s.%s", strings.Join(s.mysql.addrs, " "), s.database, s.table); got != want || options.Failed(problems) {
			t.Errorf("%s: %s, want %s; %v", src, got, want, problems)
		}
	}
}

func TestPasswordNeverShows(t *testing.T) {
	src := `{"loadUrl":"u:hunter2@fe1","username":"root","password":"hunter2","jdbcUrl":"jdbc:mysql://root:hunter2@fe1/","database":"d","table":"t","nope":1}`
	p, s, problems := settled(t, src)
	if text := fmt.Sprintf("%v %+v %v", *p.Password, s.frontends, problems); strings.Contains(text, "hunter2") {
		t.Errorf("%s", text)
	}
}

func TestJdbcTLS(t *testing.T) {
	for query, want := range map[string]bool{"useSSL=true": true, "sslMode=REQUIRED": true, "sslMode=verify_ca": true, "useSSL=false": false, "": false} {
		if _, s, _ := settled(t, "{"+override(enough, `"jdbcUrl":"jdbc:mysql://fe1/?`+query+`"`)+"}"); s.mysql.tls != want {
			t.Errorf("%s: TLS %v", query, s.mysql.tls)
		}
	}
}

func TestSplitColumns(t *testing.T) {
	for in, want := range map[string]string{
		"a":                                "a",
		"a, b ,c":                          "a b c",
		"`a,b`, c":                         "a,b c",
		"k, d = f(x, ','), s='a=b,c', `y`": "k y",
		"a,__op='delete'":                  "a",
		"c=case when a=1 then 2 end, a":    "a",
		"`we``ird`":                        "we`ird",
	} {
		names, op, err := splitColumns(in)
		if got := strings.Join(names, " "); got != want || err != nil || op != strings.Contains(in, "__op") {
			t.Errorf("%s: %s %v %v, want %s", in, got, op, err, want)
		}
	}
}

func FuzzSplitColumns(f *testing.F) {
	for _, s := range []string{"a,b", "a=f(',')", "`", "'\\'", "((", "a=b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		names, _, err := splitColumns(s)
		if err == nil && len(names) == 0 {
			t.Fatalf("%q: neither names nor an error", s)
		}
		if err != nil {
			return
		}
		again, _, err := splitColumns(columnsHeader(names))
		if err != nil || !slices.Equal(again, names) {
			t.Fatalf("%q: %q becomes %q, %v", s, names, again, err)
		}
	})
}

func TestQuoteName(t *testing.T) {
	for in, want := range map[string]string{"a": "`a`", "a`b": "`a``b`", "": "``"} {
		if got := quoteName(in); got != want || unquoteName(got) != in {
			t.Errorf("%q: %s", in, got)
		}
	}
}

func TestTableFor(t *testing.T) {
	v, _ := options.Parse([]byte(`{"/.*/":"rest","exact":"e","/x\\.(.+)/":"$1"}`))
	routes, problems := readRoutes(v, "")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for in, want := range map[string]string{"exact": "e", "other": "rest", "x.y": "rest"} {
		if got := tableFor(routes, in); got != want {
			t.Errorf("%s goes to %s, want %s", in, got, want)
		}
	}
	if got := tableFor(nil, "same"); got != "same" {
		t.Errorf("%s", got)
	}
}

// Everything a user may set is described, and nothing is described that is not there.
func TestDescribed(t *testing.T) {
	known := map[string]bool{}
	for _, p := range options.Describe(&Params{}) {
		known[p.Name] = true
		if p.Doc == "" {
			t.Errorf("%s has no doc", p.Name)
		}
	}
	for _, name := range []string{"loadUrl", "jdbcUrl", "username", "password", "selectedDatabase", "table", "column", "loadProps", "maxBatchRows",
		"maxBatchSize", "flushInterval", "flushQueueLength", "labelPrefix", "maxRetries", "preSql", "postSql", "strategyOnError", "redirectMap", "allowedHosts"} {
		if !known[name] {
			t.Errorf("%s is missing among %v", name, slices.Sorted(maps.Keys(known)))
		}
	}
}
