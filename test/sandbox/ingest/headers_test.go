package ingest

import (
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/expression"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Every header that can be wrong says so in the server's words; below the release
// that brought a header, it is not read at all.
func TestHeaders(t *testing.T) {
	for _, c := range []struct{ header, release, fails string }{
		{"format: CSV", "", ""},
		{"format: Json", "", ""},
		{"format: xml", "", "unknown data format, format=xml"},
		{"format: arrow", "", "unknown data format, format=arrow"},
		{"timeout: 30", "", ""},
		{"timeout: x", "", "Invalid timeout format"},
		{"timeout: -1", "", "Invalid timeout format"},
		{"timeout: 0", "", "Invalid timeout: 0. Timeout should between 1 and 259200 seconds"},
		{"timeout: 259201", "", "Timeout should between"},
		{"enable_merge_commit: yes", "", "Invalid parameter enable_merge_commit. The value must be bool type, but is yes"},
		{"enable_merge_commit: yes", "3.3", ""},
		{"skip_header: -1", "", "skip_header must be equal or greater than 0"},
		{"skip_header: x", "", "Invalid csv load skip_header format"},
		{"skip_header: 1x", "", ""},
		{"skip_header: -1", "2.5", ""},
		{"trim_space: 1", "", "Invalid trim space format. Must be bool type"},
		{"trim_space: 1", "2.5", ""},
		{"trim_space: True", "", ""},
		{"negative: True", "", ""},
		{"strict_mode: on", "", "Invalid strict mode format. Must be bool type"},
		{"load_mem_limit: x", "", "Invalid load mem limit format"},
		{"load_mem_limit: -1", "", "load_mem_limit must be equal or greater than 0"},
		{"load_mem_limit: 0", "", ""},
		{"exec_mem_limit: 0", "", "exec_mem_limit must be greater than 0"},
		{"exec_mem_limit: 1000", "", ""},
		{"load_dop: many", "", "Invalid load_dop format"},
		{"load_dop: 4", "", ""},
		{"partial_update: 1", "", "Invalid partial update flag format. Must be bool type"},
		{"log_rejected_record_num: -2", "", "log_rejected_record_num must be equal or greater than -1"},
		{"log_rejected_record_num: x", "", "Invalid log_rejected_record_num format"},
		{"log_rejected_record_num: -2", "2.5", ""},
		{"transmission_compression_type: NONSENSE", "", ""},
		{"enable_replicated_storage: true", "", ""},
		{"warehouse: default_warehouse", "", ""},
		{"timezone: Asia/Shanghai", "", ""},
		{"timezone: CST", "", ""},
		{"timezone: +08:00", "", ""},
		{"timezone: 08:00", "", ""},
		{"timezone: +15:00", "", "Unknown or incorrect time zone: '+15:00'"},
		{"timezone: -12:30", "", "Unknown or incorrect time zone: '-12:30'"},
		{"timezone: Moon", "", "Unknown or incorrect time zone: 'Moon'"},
		{"column_separator: ", "", "The valid bytes length for 'column separator' is [1, 50]"},
		{"compression: x", "", "Unsupported compression type: x"},
		{"compression: x", "3.1", ""},
		{"compression: LZ4", "", "Unknown compress type: LZ4"},
		{"compression: NO_COMPRESSION", "", ""},
		{"compression: gzip|Content-Encoding: gzip", "", "Only one of http header content-encoding and compression can be set"},
		{"compression: gzip|Content-Encoding: gzip", "3.1", ""},
		{"Content-Encoding: DEFLATE", "", ""},
		{"partitions: p1|temporary_partitions: p2", "", "Can not specify both partitions and temporary partitions"},
		{"envelope: debezium", "", "envelope can only be specified when format is json"},
		{"envelope: debezium", "3.5", ""},
		{"envelope: debezium|format: json|json_root: $.a", "", "json_root cannot be specified when envelope is set"},
		{"envelope: debezium|format: json|strip_outer_array: true", "", "strip_outer_array cannot be specified when envelope is set"},
		{"envelope: canal|format: json", "", "envelope: canal is not known"},
		{"envelope: debezium|format: json", "", ""},
		{"jsonpaths: x|format: json", "", "Invalid json path: x"},
		{"jsonpaths: x", "", ""},
		{"jsonpaths: [1]|format: json", "", "Invalid json path: [1]"},
		{`jsonpaths: ["$.a[0][1]"]|format: json`, "", "Invalid json path: $.a[0][1]"},
		{`jsonpaths: ["$.a[*]"]|format: json`, "", ""},
		{"columns: ,", "", "Getting syntax error"},
	} {
		release := c.release
		if release == "" {
			release = "4.0"
		}
		_, err := request(t, playing(t, release), strings.Split(c.header, "|")...)
		if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%s on %s: %v, want %q", c.header, release, err, c.fails)
		}
	}
}

func TestPlannedTellsWhoRefused(t *testing.T) {
	for header, planner := range map[string]bool{"strict_mode: x": false, "exec_mem_limit: 0": false, "columns: ,": true, "row_delimiter: \\x": true, "timezone: Moon": true} {
		if q, err := request(t, Options{}, header); err == nil || q.Planned() != planner {
			t.Errorf("%s: %v, planner %v", header, err, q.Planned())
		}
	}
}

// The first header that is wrong in the server's order gives the answer.
func TestHeaderOrder(t *testing.T) {
	wrong := []struct{ header, fails string }{
		{"format: xml", "unknown data format"},
		{"timeout: x", "Invalid timeout format"},
		{"skip_header: -1", "skip_header"},
		{"trim_space: x", "trim space"},
		{"partitions: a|temporary_partitions: b", "Can not specify both"},
		{"strict_mode: x", "strict mode"},
		{"load_mem_limit: x", "load mem limit"},
		{"partial_update: x", "partial update"},
		{"load_dop: x", "load_dop"},
		{"log_rejected_record_num: x", "log_rejected_record_num"},
		{"columns: ,", "syntax error"},
		{"column_separator: \\x", "Invalid delimiter"},
		{"timezone: Moon", "time zone"},
		{"envelope: debezium", "envelope"},
		{"compression: x", "Unsupported compression"},
	}
	for i := range wrong {
		var headers []string
		for _, w := range wrong[i:] {
			headers = append(headers, strings.Split(w.header, "|")...)
		}
		if _, err := request(t, Options{}, headers...); err == nil || !strings.Contains(err.Error(), wrong[i].fails) {
			t.Errorf("%s first: %v", wrong[i].header, err)
		}
	}
}

func TestFilterRatioIsReadLeniently(t *testing.T) {
	for text, want := range map[string]float64{"": 0, "0.25": 0.25, "x": 0, "0.5x": 0.5, " 1": 1, "1e-1": 0.1, "2": 2, "-1": -1, ".5%": 0.5} {
		if got := leadingFloat(text); got != want {
			t.Errorf("%q reads as %v, want %v", text, got, want)
		}
	}
	if f := leadingFloat("nan"); f == f {
		t.Errorf("nan reads as %v", f)
	}
}

func TestTimeoutHeader(t *testing.T) {
	q, err := request(t, Options{}, "timeout: 30")
	if err != nil || q.Timeout != 30*time.Second {
		t.Errorf("%v, %v", q.Timeout, err)
	}
	if q, _ = request(t, Options{}); q.Timeout != 600*time.Second {
		t.Errorf("default %v", q.Timeout)
	}
}

func TestDefaultLimitsByRelease(t *testing.T) {
	for line, want := range map[string]int64{"2.5": 10 << 30, "3.1": 10 << 30, "3.3": 100 << 30, "4.0": 100 << 30} {
		q := New(playing(t, line), "d", "t", "l")
		if got := q.options.Limits.MaxBodyBytes; got != want {
			t.Errorf("%s: %d", line, got)
		}
	}
}

// The transaction interface does not read all headers.
func TestHeadersOfTransactions(t *testing.T) {
	q := New(Options{}, "d", "t", "l")
	q.InTransaction = true
	h := map[string][]string{"Skip_header": {"-1"}, "Trim_space": {"x"}, "Enclose": {"\""}, "Escape": {"\\"},
		"Log_rejected_record_num": {"x"}, "Partial_update": {"TRUE"}, "Envelope": {"debezium"}}
	if err := q.Late(h); err != nil {
		t.Fatal(err)
	}
	if q.quoted() || q.partial || q.debezium || q.trim || q.skip != 0 {
		t.Errorf("%+v", q)
	}
	h["Partial_update"] = []string{"true"}
	if err := q.Late(h); err != nil || !q.partial {
		t.Errorf("partial_update: true is %v, %v", q.partial, err)
	}
}

func TestTimezoneChoosesTheCompiler(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(20) null")
	var asked string
	o := Options{Compile: toyCompiler, CompileIn: func(zone string) expression.Compiler {
		asked = zone
		return toyCompiler
	}}
	for zone, want := range map[string]string{"CST": "Asia/Shanghai", "UTC": "UTC", "02:00": "+02:00"} {
		if _, err := loadBodies(t, o, tab, []string{"1\n"}, "columns: k,v='x'", "timezone: "+zone); err != nil || asked != want {
			t.Errorf("%s: asked for %q, %v", zone, asked, err)
		}
	}
	if _, err := loadBodies(t, o, tab, []string{"1\n"}, "columns: k,v='x'"); err != nil || asked != "Asia/Shanghai" {
		t.Errorf("without header: asked for %q, %v", asked, err)
	}
	o.CompileIn = nil
	_, err := loadBodies(t, o, tab, []string{"1\n"}, "columns: k,v='x'", "timezone: UTC")
	if err == nil || !strings.Contains(err.Error(), "timezone: UTC together with columns") {
		t.Error(err)
	}
	if _, err := loadBodies(t, o, tab, []string{"1\ta\n"}, "timezone: UTC"); err != nil {
		t.Errorf("without expressions: %v", err)
	}
}

func TestExpressionsNeedACompiler(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(20) null")
	for header, want := range map[string]string{
		"columns: k,v=upper(k)": "columns: the expression v = upper(k) is not supported by this stand-in",
		"where: k > 1":          "where: k > 1 is not supported by this stand-in",
	} {
		if _, err := loadBodies(t, Options{}, tab, nil, header); err == nil || err.Error() != want {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func TestRejectedRecords(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(3) null")
	body := "1\n2\tlonger\n3\t\xff\n4\ta\n"
	for header, want := range map[string]string{
		"log_rejected_record_num: 0": "",
		"log_rejected_record_num: 1": "1\tTarget column count: 2 doesn't match source value column count: 1. Column separator: '\\t', Row delimiter: '\\n'\tstream-load-pipe\n",
		"log_rejected_record_num: -1": "1\tTarget column count: 2 doesn't match source value column count: 1. Column separator: '\\t', Row delimiter: '\\n'\tstream-load-pipe\n" +
			"2\tlonger\tString (length=6) is too long. The max length of 'v' is 3\t\n" +
			"3\t?\tInvalid UTF-8 row\tstream-load-pipe\n",
	} {
		l, err := loadBodies(t, Options{}, tab, []string{body}, header, "max_filter_ratio: 1")
		if err != nil || l.Filtered() != 3 || len(l.Log()) != 3 {
			t.Fatal(err, l.Log())
		}
		var sb strings.Builder
		if err := WriteRejected(&sb, l.Rejected()); err != nil || sb.String() != want {
			t.Errorf("%s: %q, %v; want %q", header, sb.String(), err, want)
		}
	}
	// Beyond the error log's fifty rows too.
	l, err := loadBodies(t, Options{}, tab, []string{strings.Repeat("x\n", 70) + "1\ta\n"}, "log_rejected_record_num: 60", "max_filter_ratio: 1")
	if err != nil || len(l.Log()) != 50 || len(l.Rejected()) != 60 || l.Filtered() != 70 {
		t.Errorf("%d in the log, %d kept, %d filtered, %v", len(l.Log()), len(l.Rejected()), l.Filtered(), err)
	}
}

func TestMemoryLimits(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(300) null")
	csv := strings.Repeat("1\t"+strings.Repeat("x", 100)+"\n", 20)
	for _, c := range []struct {
		body    string
		headers []string
		fails   bool
	}{
		{csv, []string{"exec_mem_limit: 100"}, true},
		{csv, []string{"load_mem_limit: 100"}, true},
		{csv, []string{"load_mem_limit: 0"}, false},
		{csv, []string{"exec_mem_limit: 100000"}, false},
		{`{"k":1,"v":"` + strings.Repeat("x", 200) + `"}`, []string{"format: json", "exec_mem_limit: 100"}, true},
		{`{"k":1,"v":"x"}`, []string{"format: json", "exec_mem_limit: 100"}, false},
		{strings.Repeat(csv, 1000), []string{"exec_mem_limit: 1100000"}, false}, // the pipe is all that CSV needs
	} {
		_, err := loadBodies(t, Options{}, tab, []string{c.body}, c.headers...)
		if c.fails != (err != nil && strings.Contains(err.Error(), "Mem usage has exceed")) || !c.fails && err != nil {
			t.Errorf("%d bytes, %v: %v", len(c.body), c.headers, err)
		}
	}
}
