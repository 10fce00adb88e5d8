package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/fault"
)

const loadPath = "/api/d/t/_stream_load"

func TestCase01NoExpectOnFE(t *testing.T) {
	b := start(t)
	r := b.must("PUT", b.FEAddr(), loadPath, nil, strings.NewReader("1\ta\t5\n"))
	if r.status != 200 || !strings.Contains(r.body, "There is no 100-continue header") || !strings.Contains(r.body, `"Status": "FAILED"`) {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	b.wantRows("t", "")

	c, rd := b.dial(b.FEAddr(), loadPath, h{"Content-Length: 6"})
	res, err := http.ReadResponse(rd, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	if !res.Close {
		t.Error("the connection was to be closed")
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v after the answer", n, err)
	}
}

func TestCase02Credentials(t *testing.T) {
	b := start(t)
	for name, headers := range map[string]h{
		"none":  {"-Authorization: ", "Expect: 100-continue"},
		"wrong": {"Authorization: Basic cm9vdDp4", "Expect: 100-continue"},
	} {
		r := b.must("PUT", b.FEAddr(), loadPath, headers, strings.NewReader("1\ta\t5\n"))
		var got rest
		if err := json.Unmarshal([]byte(r.body), &got); err != nil {
			t.Fatal(err)
		}
		if r.status != 401 || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic") || got.Status != "FAILED" || got.Code != "1" {
			t.Errorf("%s: HTTP %d %v %s", name, r.status, r.header, r.body)
		}
	}
}

func TestCase03Redirect(t *testing.T) {
	b := start(t)
	r := b.must("PUT", b.FEAddr(), loadPath+"?x=1", h{"Expect: 100-continue"}, nil)
	if r.status != 307 || r.body != "" {
		t.Fatalf("HTTP %d %q", r.status, r.body)
	}
	to, err := url.Parse(r.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	feHost, _, _ := net.SplitHostPort(b.FEAddr())
	if to.User != nil || to.Hostname() == feHost || to.Host != b.BEAddr() || to.RequestURI() != loadPath+"?x=1" {
		t.Errorf("Location %s", to)
	}
}

func TestCase04SecondRequestNeedsCredentials(t *testing.T) {
	b := start(t)
	r := b.must("PUT", b.BEAddr(), loadPath, h{"-Authorization: "}, strings.NewReader("1\ta\t5\n"))
	b.want(r, "Fail", "no valid Basic authorization")
	b.want(b.load("t", "1\ta\t5\n"), "Success", "OK")
	got := b.Requests()
	if len(got) != 2 || got[0].Header.Get("Authorization") != "absent" || got[1].Header.Get("Authorization") != "present" {
		t.Errorf("requests %+v", got)
	}
}

func TestCase05NoBodyToFE(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.DelayFE, Millis: 50})
	body := strings.Repeat("1\ta\t5\n", 1000)
	r := b.must("PUT", b.FEAddr(), loadPath, h{"Expect: 100-continue"}, strings.NewReader(body))
	if r.status != 307 || b.Requests()[0].BodyBytes != 0 {
		t.Errorf("HTTP %d, %+v", r.status, b.Requests())
	}

	b.arm(fault.Fault{Kind: fault.FEKeepAlive})
	c, rd := b.dial(b.FEAddr(), loadPath, h{"Expect: 100-continue", "Content-Length: 6"})
	res, err := http.ReadResponse(rd, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 307 || res.Close {
		t.Errorf("HTTP %d, close %v", res.StatusCode, res.Close)
	}
	if _, err := io.WriteString(c, "1\ta\t5\n"); err != nil {
		t.Fatal(err)
	}
	b.until("the older FE to take the body", func() bool { return b.Requests()[1].BodyBytes == 6 })
	c.Close()
}

func TestCase06DirectToBE(t *testing.T) {
	b := start(t)
	r := b.must("PUT", b.BEAddr(), loadPath, nil, strings.NewReader("1\ta\t5\n"))
	b.wantCounts(b.want(r, "Success", "OK"), 1, 1, 0)
	r = b.must("PUT", b.BEAddr(), loadPath, h{"Authorization: Basic cm9vdDp4"}, strings.NewReader("1\ta\t5\n"))
	b.want(r, "Fail", "Access denied for root@127.0.0.1")
	if r.answer.TxnID != -1 {
		t.Errorf("TxnId %d", r.answer.TxnID)
	}
	b.wantRows("t", "1|a|5")
}

func TestCase07RejectedAtHeaderTime(t *testing.T) {
	b := start(t)
	for _, headers := range []h{{"format: xml"}, {"column_separator: \\x1"}} {
		c, rd := b.dial(b.BEAddr(), loadPath, append(h{"label: early", "Expect: 100-continue", "Content-Length: 1000000"}, headers...))
		line, err := rd.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 200") {
			t.Fatalf("%v: first line %q, %v", headers, line, err)
		}
		rest, _ := io.ReadAll(rd)
		if !strings.Contains(string(rest), `"Status": "Fail"`) {
			t.Errorf("%v: %s", headers, rest)
		}
		c.Close()
	}
	for _, q := range b.Requests() {
		if q.BodyBytes != 0 {
			t.Errorf("the body was read: %+v", q)
		}
	}
	b.want(b.load("t", "1\ta\t5\n", "label: early"), "Success", "")
	b.want(b.load("t", "1\ta\t5\n", "format: xml"), "Fail", "unknown data format, format=xml")

	// A load whose headers are accepted does get its 100.
	c, rd := b.dial(b.BEAddr(), loadPath, h{"Expect: 100-continue", "Content-Length: 6"})
	line, err := rd.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("first line %q, %v", line, err)
	}
	c.Close()
}

func TestCase08LabelFormat(t *testing.T) {
	b := start(t)
	for _, label := range []string{"a b", "a.b", strings.Repeat("x", 129)} {
		b.want(b.load("t", "1\ta\t5\n", "label: "+label), "Fail", "Label format error. regex: ^[-\\w]{1,128}$, label: "+label)
	}
	b.want(b.load("t", "1\ta\t5\n", "label: "+strings.Repeat("x", 128)), "Success", "")
}

func TestCase09ChunkedBody(t *testing.T) {
	b := start(t)
	body := struct{ io.Reader }{strings.NewReader("1\ta\t5\n2\tb\t6\n")}
	r := b.must("PUT", b.BEAddr(), loadPath, h{"Expect: 100-continue"}, body)
	b.wantCounts(b.want(r, "Success", "OK"), 2, 2, 0)
	if q := b.Requests()[0]; q.ContentLength != -1 || q.BodyBytes != 12 {
		t.Errorf("%+v", q)
	}
	b.wantRows("t", "1|a|5", "2|b|6")
}

func TestCase10Sizes(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits.MaxBodyBytes, o.Limits.MaxJSONBytes = 100, 30 })
	r := b.load("t", strings.Repeat("1\ta\t5\n", 20))
	b.want(r, "Fail", "body size 120 exceed limit: 100")
	if q := b.Requests()[0]; q.BodyBytes != 0 {
		t.Errorf("the body was read: %+v", q)
	}
	body := `{"k":1,"v":"a","n":2}{"k":2,"v":"b","n":3}`
	b.want(b.load("t", body, "format: json"), "Fail", "The size of this batch exceed the max size [30]  of json type data  data [ 42 ].")
	b.want(b.load("t", body, "format: json", "ignore_json_size: true"), "Success", "")
	chunked := struct{ io.Reader }{strings.NewReader(body)}
	b.want(b.must("PUT", b.BEAddr(), loadPath, h{"format: json"}, chunked), "Fail", "exceed the max size [30]")
	b.wantRows("t", "1|a|2", "2|b|3")
}

func TestCase11ConnectionCut(t *testing.T) {
	b := start(t)
	c, rd := b.dial(b.BEAddr(), loadPath, h{"label: cut", "Expect: 100-continue", "Content-Length: 12"})
	if line, err := rd.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("%q %v", line, err)
	}
	if _, err := io.WriteString(c, "1\ta\t5\n"); err != nil {
		t.Fatal(err)
	}
	if got := b.state("cut"); got != "PREPARE" {
		t.Errorf("state %s", got)
	}
	c.Close()
	b.until("the abort", func() bool { return b.state("cut") == "ABORTED" })
	b.wantRows("t", "")
	b.want(b.load("t", "1\ta\t5\n2\tb\t6\n", "label: cut"), "Success", "")
	b.wantRows("t", "1|a|5", "2|b|6")
}

func TestCase12CSVBasics(t *testing.T) {
	b := start(t)
	b.wantCounts(b.want(b.load("t", "1\ta\t5\n2\tb\t6"), "Success", ""), 2, 2, 0)
	b.wantCounts(b.want(b.load("t", "3\ta\t5\n\n4\tb\t6\n"), "Success", ""), 2, 2, 0)
	b.wantCounts(b.want(b.load("t", "5\t\\N\t5\n6\t\t5\n"), "Success", ""), 2, 2, 0)
	b.wantRows("t", "1|a|5", "2|b|6", "3|a|5", "4|b|6", "5|NULL|5", "6||5")
}

func TestCase13NullIntoNotNull(t *testing.T) {
	b := start(t)
	r := b.want(b.load("t", "1\ta\t\\N\n"), "Fail", "too many filtered rows")
	b.wantCounts(r, 1, 0, 1)
	if log := b.errorLog(r); log != "Error: NULL value in non-nullable column 'n'. Row: 1\ta\t\\N\n" {
		t.Errorf("log %q", log)
	}
}

func TestCase14Ratio(t *testing.T) {
	b := start(t)
	body := "1\ta\t1\n2\tb\t2\nx\tc\t3\n4\td\t4\n"
	b.wantCounts(b.want(b.load("t", body, "max_filter_ratio: 0.25"), "Success", ""), 4, 3, 1)
	b.want(b.load("t", body, "max_filter_ratio: 0.24"), "Fail", "too many filtered rows")
	b.wantRows("t", "1|a|1", "2|b|2", "4|d|4")
}

func TestCase15StrictMode(t *testing.T) {
	b := start(t)
	b.nullableInt("i")
	b.wantCounts(b.want(b.load("i", "1\tx\n", "strict_mode: false"), "Success", ""), 1, 1, 0)
	r := b.want(b.load("i", "2\tx\n3\t99999999999\n4\t4\n", "strict_mode: true", "max_filter_ratio: 1"), "Success", "")
	b.wantCounts(r, 3, 1, 2)
	if log := b.errorLog(r); !strings.Contains(log, "The field (name = i, pos = 1) is out of range. Type: int(11), Value length: 1, Value: x") {
		t.Errorf("log %q", log)
	}
	b.wantRows("i", "1|NULL", "4|4")
	b.wantCounts(b.want(b.load("t", "x\ta\t1\n"), "Fail", "too many filtered rows"), 1, 0, 1)
}

func TestCase16FilteredInBothModes(t *testing.T) {
	b := start(t)
	for _, strict := range []string{"strict_mode: true", "strict_mode: false"} {
		for body, message := range map[string]string{
			"1\ta\n":                `Target column count: 3 doesn't match source value column count: 2. Column separator: '\t', Row delimiter: '\n'`,
			"1\ta\t5\t6\n":          `Target column count: 3 doesn't match source value column count: 4`,
			"1\t\xff\t5\n":          "Invalid UTF-8 row",
			"1\t" + "三三三" + "\t5\n": "String (length=9) is too long. The max length of 'v' is 8",
		} {
			r := b.want(b.load("t", body, strict), "Fail", "too many filtered rows")
			if log := b.errorLog(r); !strings.Contains(log, message) {
				t.Errorf("%q, %s: log %q, want %q", body, strict, log, message)
			}
		}
	}
}

func TestCase17Delimiters(t *testing.T) {
	b := start(t)
	b.text("s")
	b.want(b.load("s", "1\x01a\tb\nc\x022\x01d\x02", `column_separator: \x01`, `row_delimiter: \x02`), "Success", "")
	b.wantRows("s", "1|a\tb\nc", "2|d")
	for sep, raw := range map[string]string{`\x0102`: "\x01\x02", "||": "||", "，": "，", `0x0103`: "\x01\x03"} {
		b.table("w"+fmt.Sprint(len(b.Loads())), textSchema())
		name := "w" + fmt.Sprint(len(b.Loads()))
		var body bytes.Buffer
		const n = 30000 // more than one buffer full, so that delimiters meet its end
		for i := range n {
			fmt.Fprintf(&body, "%d%s%s\x03\x04\x03", i, raw, strings.Repeat("y", i%40))
		}
		r := b.must("PUT", b.BEAddr(), "/api/d/"+name+"/_stream_load",
			h{"column_separator: " + sep, `row_delimiter: \x030403`}, &oddPieces{data: body.Bytes()})
		b.wantCounts(b.want(r, "Success", ""), n, n, 0)
	}
}

func TestCase18BadDelimiters(t *testing.T) {
	b := start(t)
	for sep, message := range map[string]string{
		`\x1`:                   `Invalid delimiter '\x1': hex length must be a even number`,
		`\xZZ`:                  `Invalid delimiter '\xZZ': invalid hex format`,
		`\x`:                    `Invalid delimiter '\x': empty hex string`,
		`\x01\x02`:              `Invalid delimiter '\x01\x02': invalid hex format`,
		strings.Repeat(",", 51): `The valid bytes length for 'column separator' is [1, 50]`,
	} {
		b.want(b.load("t", "1\ta\t5\n", "column_separator: "+sep), "Fail", message)
	}
	b.want(b.load("t", "1\ta\t5\n", "row_delimiter: "), "Fail", "The valid bytes length for 'row delimiter' is [1, 50]")
}

func TestCase19Enclose(t *testing.T) {
	b := start(t)
	b.text("s")
	b.want(b.load("s", "1\t\"a\tb \"\"c\"\"\n\"\n\"2\"\tx\"y\n3\t\"\\N\"\n4\t\"\"\n", `enclose: "`), "Success", "")
	b.wantRows("s", "1|a\tb \"c\"\n", "2|x\"y", "3|NULL", "4|")
	b.text("e")
	b.want(b.load("e", "1\ta\\\tb\\\nc\\\\d\n2\t\"x\\\"y\"\n", `escape: \`, `enclose: "`), "Success", "")
	b.wantRows("e", "1|a\tb\nc\\d", "2|x\"y")
}

func TestCase20SkipHeader(t *testing.T) {
	b := start(t)
	b.wantCounts(b.want(b.load("t", "k\tv\tn\n1\ta\t5\n", "skip_header: 1"), "Success", ""), 1, 1, 0)
	b.want(b.load("t", "1\ta\t5\n", "skip_header: -1"), "Fail", "skip_header must be equal or greater than 0")
	b.want(b.load("t", "1\ta\t5\n", "skip_header: 3"), "Fail", "end of file")
	b.wantCounts(b.want(b.load("t", " 2\t b \t 6\n", "trim_space: true"), "Success", ""), 1, 1, 0)
	b.wantRows("t", "1|a|5", "2|b|6")
}

func TestCase21DefaultOfAbsentColumn(t *testing.T) {
	b := start(t)
	b.want(b.load("t", "1\ta\n", "columns: k,v"), "Success", "")
	b.want(b.load("t", "b\tignored\t2\n", "columns: v, tmp, `K`"), "Success", "")
	b.wantRows("t", "1|a|7", "2|b|7")
}
