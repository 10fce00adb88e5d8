package clients

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox"
)

// curl sends one request as the StarRocks manual writes it, and returns the HTTP
// status and the fields of the JSON answer.
func curl(t *testing.T, args ...string) (status string, answer map[string]any, text string) {
	t.Helper()
	r := run(t, "", "curl", append([]string{"--disable", "--silent", "--show-error", "--write-out", "\n%{http_code}"}, args...)...)
	if r.code != 0 {
		t.Fatalf("curl %q ended with %d: %s", args, r.code, r.err)
	}
	at := strings.LastIndexByte(r.out, '\n')
	text, status = strings.TrimSpace(r.out[:at]), r.out[at+1:]
	if text != "" {
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatalf("curl %q: %v\n%s", args, err, text)
		}
	}
	return status, answer, text
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func count(t *testing.T, s *sandbox.Sandbox, table string) int64 {
	t.Helper()
	tab, err := s.Store.Table("shop", table)
	if err != nil {
		t.Fatal(err)
	}
	return tab.NumRows()
}

const twoRows = "1,a,10\n2,b,20\n"

// TestCurl loads as the manual shows, then makes each mistake a beginner makes.
func TestCurl(t *testing.T) {
	s := start(t)
	csv, array := file(t, "two.csv", twoRows), file(t, "two.json", `[{"k": 1, "v": "a", "n": 1}, {"k": 2, "v": "b", "n": 2}]`)
	fe := func(db, table string) string {
		return "http://" + s.FEAddr() + "/api/" + db + "/" + table + "/_stream_load"
	}
	const expect, comma = "Expect: 100-continue", "column_separator: ,"
	trusted := []string{"--location-trusted", "-u", "root:"}
	for _, c := range []struct {
		name   string
		args   []string
		status string
		want   map[string]any
		rows   int64
	}{
		{"a CSV file", append(trusted, "-H", expect, "-H", comma, "-T", csv, fe("shop", "t")), "200",
			map[string]any{"Status": "Success", "Message": "OK", "NumberTotalRows": 2.0, "NumberLoadedRows": 2.0, "NumberFilteredRows": 0.0, "LoadBytes": 14.0}, 2},
		{"a JSON file", append(trusted, "-H", expect, "-H", "format: json", "-H", "strip_outer_array: true", "-T", array, fe("shop", "t")), "200",
			map[string]any{"Status": "Success", "NumberLoadedRows": 2.0}, 2},
		{"straight to the BE", append(trusted, "-H", comma, "-T", csv, "http://"+s.BEAddr()+"/api/shop/t/_stream_load"), "200",
			map[string]any{"Status": "Success", "NumberLoadedRows": 2.0}, 2},
		{"a user with a password", []string{"--location-trusted", "-u", "app:s3cret", "-H", expect, "-H", comma, "-T", csv, fe("shop", "t")}, "200",
			map[string]any{"Status": "Success", "NumberLoadedRows": 2.0}, 2},
		{"a label", append(trusted, "-H", expect, "-H", comma, "-H", "label: once", "-T", csv, fe("shop", "t")), "200",
			map[string]any{"Status": "Success", "Label": "once"}, 2},
		{"the label again", append(trusted, "-H", expect, "-H", comma, "-H", "label: once", "-T", csv, fe("shop", "t")), "200",
			map[string]any{"Status": "Label Already Exists", "ExistingJobStatus": "FINISHED"}, 0},
		{"no Expect", append(trusted, "-H", "Expect:", "-H", comma, "-T", csv, fe("shop", "t")), "200",
			map[string]any{"Status": "FAILED", "Message": "class com.starrocks.common.DdlException: There is no 100-continue header"}, 0},
		{"no credentials", []string{"--location-trusted", "-H", expect, "-H", comma, "-T", csv, fe("shop", "t")}, "401",
			map[string]any{"status": "FAILED", "code": "1", "msg": "Need auth information."}, 0},
		{"a wrong password", []string{"--location-trusted", "-u", "root:wrong", "-H", expect, "-H", comma, "-T", csv, fe("shop", "t")}, "401",
			map[string]any{"status": "FAILED", "msg": "Access denied for root@127.0.0.1"}, 0},
		{"no -u behind the redirect", []string{"--location", "-u", "root:", "-H", expect, "-H", comma, "-T", csv, fe("shop", "t")}, "200",
			map[string]any{"Status": "Fail", "Message": "no valid Basic authorization"}, 0},
		{"an unknown database", append(trusted, "-H", expect, "-H", comma, "-T", csv, fe("nodb", "t")), "200",
			map[string]any{"Status": "Fail", "Message": "unknown database, database=nodb"}, 0},
		{"an unknown table", append(trusted, "-H", expect, "-H", comma, "-T", csv, fe("shop", "nope")), "200",
			map[string]any{"Status": "Fail", "Message": `unknown table "shop.nope"`}, 0},
		{"an array without strip_outer_array", append(trusted, "-H", expect, "-H", "format: json", "-T", array, fe("shop", "t")), "200",
			map[string]any{"Status": "Fail", "NumberLoadedRows": 0.0}, 0},
		{"a label with a blank", append(trusted, "-H", expect, "-H", comma, "-H", "label: a b", "-T", csv, fe("shop", "t")), "200",
			map[string]any{"Status": "Fail"}, 0},
		{"an unknown format", append(trusted, "-H", expect, "-H", "format: xml", "-T", csv, fe("shop", "t")), "200",
			map[string]any{"Status": "Fail", "Message": "unknown data format, format=xml"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			execute(t, s, "TRUNCATE TABLE shop.t")
			status, answer, text := curl(t, c.args...)
			if status != c.status {
				t.Errorf("HTTP status %s, want %s", status, c.status)
			}
			for name, want := range c.want {
				if answer[name] != want {
					t.Errorf("%s is %v, want %v\n%s", name, answer[name], want, text)
				}
			}
			if got := count(t, s, "t"); got != c.rows {
				t.Errorf("%d rows are stored, want %d", got, c.rows)
			}
		})
	}
}

// TestCurlWithoutRedirect: a curl that does not follow the redirect loads nothing
// and says nothing, which is the beginner's first puzzle.
func TestCurlWithoutRedirect(t *testing.T) {
	s := start(t)
	status, answer, _ := curl(t, "-u", "root:", "-H", "Expect: 100-continue", "-T", file(t, "two.csv", twoRows), "http://"+s.FEAddr()+"/api/shop/t/_stream_load")
	if status != "307" || answer != nil {
		t.Errorf("status %s, answer %v; want 307 without a body", status, answer)
	}
	if n := count(t, s, "t"); n != 0 {
		t.Errorf("%d rows are stored", n)
	}
}

// TestCurlPost: only PUT loads.
func TestCurlPost(t *testing.T) {
	s := start(t)
	r := run(t, "", "curl", "--disable", "--silent", "--location-trusted", "-u", "root:", "-X", "POST", "-H", "Expect: 100-continue", "-H", "column_separator: ,",
		"-T", file(t, "two.csv", twoRows), "http://"+s.FEAddr()+"/api/shop/t/_stream_load")
	if strings.Contains(r.out, "Success") {
		t.Errorf("POST loaded: %s", r.out)
	}
	if n := count(t, s, "t"); n != 0 {
		t.Errorf("%d rows are stored", n)
	}
}

// TestCurlRejectedRows: the answer says how many rows were bad, its ErrorURL why.
func TestCurlRejectedRows(t *testing.T) {
	s := start(t)
	for _, c := range []struct{ name, body, separator, reason string }{
		{"too many columns", "1,a,10,zz\n", ",", "Target column count: 3 doesn't match source value column count: 4"},
		{"the wrong separator", twoRows, "|", "Target column count: 3 doesn't match source value column count: 1"},
		{"NULL in NOT NULL", "1,a,\\N\n", ",", "NULL value in non-nullable column 'n'"},
		{"a text too long", "1,ninechars,1\n", ",", "String (length=9) is too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, answer, text := curl(t, "--location-trusted", "-u", "root:", "-H", "Expect: 100-continue", "-H", "column_separator: "+c.separator,
				"-T", file(t, "bad.csv", c.body), "http://"+s.FEAddr()+"/api/shop/t/_stream_load")
			if answer["Status"] != "Fail" || !strings.Contains(text, "too many filtered rows") {
				t.Errorf("got %s", text)
			}
			url, _ := answer["ErrorURL"].(string)
			if url == "" {
				t.Fatalf("no ErrorURL in %s", text)
			}
			if log := run(t, "", "curl", "--disable", "--silent", url); !strings.Contains(log.out, c.reason) {
				t.Errorf("the error log does not say %q:\n%s", c.reason, log.out)
			}
		})
	}
	_, answer, text := curl(t, "--location-trusted", "-u", "root:", "-H", "Expect: 100-continue", "-H", "column_separator: ,", "-H", "max_filter_ratio: 0.5",
		"-T", file(t, "half.csv", "1,a,10\n2,b\n"), "http://"+s.FEAddr()+"/api/shop/t/_stream_load")
	if answer["Status"] != "Success" || answer["NumberFilteredRows"] != 1.0 || answer["NumberLoadedRows"] != 1.0 {
		t.Errorf("with max_filter_ratio: %s", text)
	}
}

// TestLoadsSeen: what curl loaded is told by information_schema.loads, under the
// user that may see the table only.
func TestLoadsSeen(t *testing.T) {
	s := start(t)
	for _, label := range []string{"first", "second"} {
		curl(t, "--location-trusted", "-u", "root:", "-H", "Expect: 100-continue", "-H", "column_separator: ,", "-H", "label: "+label,
			"-T", file(t, "two.csv", twoRows+strings.Repeat("1\n", len(label)-len("first"))), "http://"+s.FEAddr()+"/api/shop/t/_stream_load")
	}
	const query = "SELECT LABEL, STATE, TYPE, SINK_ROWS, ERROR_MSG FROM information_schema.loads WHERE LABEL IN ('first', 'second') ORDER BY LABEL"
	const want = "first\tFINISHED\tSTREAM\t2\tNULL\nsecond\tCANCELLED\tSTREAM\t0\ttoo many filtered rows\n"
	if r := mysql(t, s, query, "-uroot", "-N"); r.out != want {
		t.Errorf("got %q, %s\nwant %q", r.out, r.err, want)
	}
	execute(t, s, "CREATE USER ann; GRANT SELECT ON shop.everything TO ann")
	if r := mysql(t, s, query, "-uann", "-N"); r.out != "" || r.code != 0 {
		t.Errorf("another user sees %q, %s", r.out, r.err)
	}
}

// TestCurlPrivileges: a user made by CREATE USER loads what was granted, and hears
// what is missing, from the FE as from the BE.
func TestCurlPrivileges(t *testing.T) {
	s := start(t)
	execute(t, s, "CREATE USER ann IDENTIFIED BY 'pw'; GRANT SELECT ON shop.t TO ann")
	send := func(host string) (string, map[string]any, string) {
		return curl(t, "--location-trusted", "-u", "ann:pw", "-H", "Expect: 100-continue", "-H", "column_separator: ,",
			"-T", file(t, "two.csv", twoRows), "http://"+host+"/api/shop/t/_stream_load")
	}
	if status, answer, text := send(s.FEAddr()); status != "401" || answer["status"] != "FAILED" || !strings.Contains(text, "INSERT privilege") {
		t.Errorf("HTTP %s %s", status, text)
	}
	if status, answer, text := send(s.BEAddr()); status != "200" || answer["Status"] != "Fail" ||
		!strings.Contains(text, "you need (at least one of) the INSERT privilege(s) for this operation") {
		t.Errorf("HTTP %s %s", status, text)
	}
	execute(t, s, "GRANT INSERT ON TABLE t IN DATABASE shop TO USER ann")
	if _, answer, text := send(s.FEAddr()); answer["Status"] != "Success" {
		t.Errorf("after GRANT: %s", text)
	}
}
