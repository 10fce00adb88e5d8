package conformance

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// reply is what came back over HTTP, with its JSON object if it was one.
type reply struct {
	code   int
	header http.Header
	body   string
	json   map[string]any
}

func (r *reply) String() string { return fmt.Sprintf("HTTP %d %v %s", r.code, r.header, r.body) }

// text gives a field as text; "" when it is absent.
func (r *reply) text(name string) string {
	switch v := r.json[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func (r *reply) has(name string) bool { _, ok := r.json[name]; return ok }

func newReply(res *http.Response) (*reply, error) {
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	r := &reply{code: res.StatusCode, header: res.Header, body: string(raw)}
	var short bytes.Buffer
	if json.Compact(&short, raw) == nil { // in one line for messages
		r.body = short.String()
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&r.json) != nil { // not an object: only the text counts
		r.json = nil
	}
	return r, nil
}

// request sends one request, root's credentials included. Headers are
// "name: value"; "-Authorization: " leaves the credentials out.
func (e *env) request(method, target string, body io.Reader, headers ...string) (*reply, error) {
	if !strings.HasPrefix(target, "http") {
		target = "http://" + target
	}
	req, err := http.NewRequestWithContext(e.t.Context(), method, target, body)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth("root", "")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "-Authorization" {
			req.Header.Del("Authorization")
			continue
		}
		req.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	res, err := e.http.Do(req)
	if err != nil {
		return nil, err
	}
	return newReply(res)
}

func (e *env) do(method, target string, body io.Reader, headers ...string) *reply {
	e.t.Helper()
	r, err := e.request(method, target, body, headers...)
	if err != nil {
		e.t.Fatal(err)
	}
	return r
}

func (e *env) path(table string) string {
	return "/api/" + url.PathEscape(e.db) + "/" + url.PathEscape(table) + "/_stream_load"
}

// redirected asks the FE first, without the body, and follows it to the node it
// names as long as it redirects; the body goes to the last node only.
func (e *env) redirected(method, path string, body io.Reader, headers ...string) *reply {
	e.t.Helper()
	target := e.fe + path
	for range 3 {
		r := e.do(method, target, nil, headers...)
		if r.code != http.StatusTemporaryRedirect {
			return r
		}
		target = r.header.Get("Location")
		if to, err := url.Parse(target); err != nil || e.isBE(to.Host) {
			return e.do(method, target, body, headers...)
		}
	}
	e.t.Fatalf("%s: redirected too often", path)
	return nil
}

// isBE tells a BE's address from an FE's: BEs are on 127.0.0.2 and up, FEs on
// 127.0.0.1 and on 127.0.1.1 and up.
func (e *env) isBE(addr string) bool {
	return strings.HasPrefix(addr, "127.0.0.") && !strings.HasPrefix(addr, "127.0.0.1:")
}

// load runs a Stream Load through the FE.
func (e *env) load(table, body string, headers ...string) *reply {
	e.t.Helper()
	return e.stream(table, strings.NewReader(body), headers...)
}

func (e *env) stream(table string, body io.Reader, headers ...string) *reply {
	e.t.Helper()
	return e.redirected("PUT", e.path(table), body, append([]string{"Expect: 100-continue"}, headers...)...)
}

// direct runs a Stream Load on the BE, which needs no Expect.
func (e *env) direct(table, body string, headers ...string) *reply {
	e.t.Helper()
	return e.do("PUT", e.BEAddr()+e.path(table), strings.NewReader(body), headers...)
}

// want checks Status and a part of Message, and gives the reply back.
func (e *env) want(r *reply, status, message string) *reply {
	e.t.Helper()
	if r.code != 200 || r.text("Status") != status || !strings.Contains(r.text("Message"), message) {
		e.t.Errorf("got HTTP %d, %s; want Status %q with %q", r.code, r.body, status, message)
	}
	return r
}

// wantAny is want with several good messages, for wordings whose release is not known.
func (e *env) wantAny(r *reply, status string, messages ...string) *reply {
	e.t.Helper()
	for _, m := range messages {
		if r.code == 200 && r.text("Status") == status && strings.Contains(r.text("Message"), m) {
			return r
		}
	}
	e.t.Errorf("got HTTP %d, %s; want Status %q with one of %q", r.code, r.body, status, messages)
	return r
}

func (e *env) ok(r *reply) *reply { e.t.Helper(); return e.want(r, "Success", "OK") }

func (e *env) counts(r *reply, total, loaded, filtered, unselected int) *reply {
	e.t.Helper()
	for name, want := range map[string]int{"NumberTotalRows": total, "NumberLoadedRows": loaded,
		"NumberFilteredRows": filtered, "NumberUnselectedRows": unselected} {
		if got := r.text(name); got != fmt.Sprint(want) {
			e.t.Errorf("%s %s, want %d, in %s", name, got, want, r.body)
		}
	}
	return r
}

// errorLog fetches the error log of an answer, without credentials.
func (e *env) errorLog(r *reply) string {
	e.t.Helper()
	target := r.text("ErrorURL")
	if target == "" {
		e.t.Fatalf("no ErrorURL in %s", r.body)
	}
	log := e.do("GET", target, nil, "-Authorization: ")
	if log.code != 200 {
		e.t.Fatalf("error log: %s", log)
	}
	return log.body
}

// rejected checks that a load failed because its rows were, and why.
func (e *env) rejected(r *reply, reasons ...string) {
	e.t.Helper()
	e.want(r, "Fail", "too many filtered rows")
	log := e.errorLog(r)
	for _, reason := range reasons {
		if strings.Contains(log, reason) {
			return
		}
	}
	e.t.Errorf("error log %q; want one of %q", log, reasons)
}

// label asks the FE for the state of a label.
func (e *env) label(label string) *reply {
	e.t.Helper()
	r := e.do("GET", e.fe+"/api/"+e.db+"/get_load_state?label="+url.QueryEscape(label), nil)
	if r.code != 200 || r.text("status") != "OK" {
		e.t.Fatalf("get_load_state: %s", r)
	}
	return r
}

func (e *env) state(label string) string { e.t.Helper(); return e.label(label).text("state") }

func (e *env) wantState(label, want string) {
	e.t.Helper()
	if got := e.label(label); got.text("state") != want {
		e.t.Errorf("state of %s: %s, want %s", label, got.body, want)
	}
}

// wire is a raw connection.
type wire struct {
	net.Conn
	e *env
	r *bufio.Reader
}

// dial opens a connection and sends a request head with root's credentials.
func (e *env) dial(addr, firstLine string, headers ...string) *wire {
	e.t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		e.t.Fatal(err)
	}
	w := &wire{Conn: c, e: e, r: bufio.NewReader(c)}
	head := firstLine + "\r\nHost: " + addr + "\r\nAuthorization: Basic " + base64.StdEncoding.EncodeToString([]byte("root:")) + "\r\n"
	for _, line := range headers {
		head += line + "\r\n"
	}
	w.send(head + "\r\n")
	return w
}

func (w *wire) send(text string) {
	w.e.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.e.t.Fatal(err)
	}
}

// goAhead reads the 100 Continue.
func (w *wire) goAhead() {
	w.e.t.Helper()
	line, err := w.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		w.e.t.Fatalf("instead of 100 Continue: %q, %v", line, err)
	}
	if _, err := w.r.ReadString('\n'); err != nil {
		w.e.t.Fatal(err)
	}
}

// answer reads a final answer and says whether the server announced to close.
func (w *wire) answer() (*reply, bool) {
	w.e.t.Helper()
	res, err := http.ReadResponse(w.r, nil)
	if err != nil {
		w.e.t.Fatal(err)
	}
	r, err := newReply(res)
	if err != nil {
		w.e.t.Fatal(err)
	}
	return r, res.Close
}

// closed checks that the server closes the connection without another byte.
func (w *wire) closed() {
	w.e.t.Helper()
	if n, err := w.r.Read(make([]byte, 1)); n != 0 || err == nil {
		w.e.t.Errorf("%d bytes and %v where the connection was to be closed", n, err)
	}
}

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// open starts a load on the BE and leaves its body unfinished.
func (e *env) open(label string, headers ...string) *wire {
	e.t.Helper()
	w := e.dial(e.BEAddr(), "PUT "+e.path("t")+" HTTP/1.1", append([]string{"label: " + label,
		"Expect: 100-continue", "Transfer-Encoding: chunked"}, headers...)...)
	w.goAhead()
	return w
}

// finish sends the rest of the body and reads the answer.
func (w *wire) finish(rest string) *reply {
	w.e.t.Helper()
	w.send(chunk(rest) + "0\r\n\r\n")
	r, _ := w.answer()
	return r
}

// seen is a request as the control endpoint tells of it.
type seen struct {
	Server        string      `json:"server"`
	Path          string      `json:"path"`
	Header        http.Header `json:"header"`
	ContentLength int64       `json:"contentLength"`
	BodyBytes     int64       `json:"bodyBytes"`
}

// requests lists the requests of the case, oldest first.
func (e *env) requests() []seen {
	e.t.Helper()
	r := e.do("GET", e.ControlAddr()+"/requests", nil)
	var all, own []seen
	if err := json.Unmarshal([]byte(r.body), &all); err != nil {
		e.t.Fatalf("%s: %v", r, err)
	}
	for _, q := range all {
		if strings.HasPrefix(q.Path, "/api/"+e.db+"/") {
			own = append(own, q)
		}
	}
	return own
}

// fault arms a fault over the control endpoint.
func (e *env) fault(fault string) {
	e.t.Helper()
	if r := e.do("POST", e.ControlAddr()+"/fault", strings.NewReader(fault)); r.code != 200 {
		e.t.Fatalf("fault %s: %s", fault, r)
	}
}

// control posts a verb to the control endpoint.
func (e *env) control(path, body string) *reply {
	e.t.Helper()
	r := e.do("POST", e.ControlAddr()+path, strings.NewReader(body))
	if r.code != 200 {
		e.t.Fatalf("control %s %s: %s", path, body, r)
	}
	return r
}

// jump moves the clock of the servers.
func (e *env) jump(duration string) {
	e.t.Helper()
	e.control("/clock", `{"jump": "`+duration+`"}`)
}
