package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/fault"
)

// Route is one thing that can be asked of the endpoint.
type Route struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	// Body shows what is sent, Query what may be asked, empty for nothing.
	Body  string `json:"body,omitempty"`
	Query string `json:"query,omitempty"`
	Does  string `json:"does"`

	serve func(*Options, *http.Request) (any, error)
}

// routes are in the order of the documentation.
var routes = []Route{
	{"GET", "/status", "", "", "addresses, nodes, tables, loads, counters, faults, clock and seed", status},
	{"GET", "/requests", "", "body=1, n=50, server=be", "the newest requests to all servers, oldest first; with bodies when captured", listRequests},
	{"DELETE", "/requests", "", "", "forget the requests", clearRequests},
	{"POST", "/capture", `{"bodies": true}`, "", "keep bodies and answers of requests from now on, or no longer", capture},
	{"GET", "/fault", "", "", "what is armed, and how often it was in aim and has shown", listFaults},
	{"POST", "/fault", `{"kind": "status", "status": 503, "table": "orders", "times": 2}`, "", "arm a fault; the answer holds its id", arm},
	{"DELETE", "/fault", "", "id=1", "disarm one fault, or all without an id", disarm},
	{"POST", "/seed", `{"seed": 7}`, "", "seed the draws of faults with a probability, and start them anew", seed},
	{"GET", "/clock", "", "", "the time of the servers", readClock},
	{"POST", "/clock", `{"jump": "26h"}`, "", "make the servers' clock jump, back with a minus", jump},
	{"GET", "/node", "", "", "the servers, whether they run and who leads", nodes},
	{"POST", "/node", `{"node": "be:0", "do": "restart"}`, "", "stop, start or restart a server, or make an FE lead", moveNode},
	{"GET", "/config", "", "", "the settings by their names in fe.conf and be.conf", readConfig},
	{"POST", "/config", `{"label_keep_max_num": 5}`, "", "change settings", writeConfig},
	{"POST", "/sweep", "", "", "do at once what servers do from time to time: time out transactions, forget old labels", sweep},
	{"POST", "/evict", `{"db": "shop", "label": "load-1"}`, "", "forget one finished label", evict},
	{"POST", "/user", `{"name": "app", "password": "new", "readOnly": false}`, "", "add a user or change the password; with readOnly take INSERT away or give it back", setUser},
	{"POST", "/sql", `{"sql": "SELECT COUNT(*) FROM shop.orders"}`, "", "run statements as root", runSQL},
	{"POST", "/save", "", "", "write tables and labels to the folder of --data", save},
	{"GET", "/help", "", "", "this list, and every kind of fault with the fields it takes", nil},
	{"GET", "/", "", "", "a page for people", nil},
}

// Routes lists what the endpoint serves.
func Routes() []Route { return append([]Route(nil), routes...) }

// Handler serves the endpoint without a socket of its own.
func Handler(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			o.page(w, r)
			return
		}
		if r.URL.Path == "/help" && r.Method == http.MethodGet {
			writeJSON(w, http.StatusOK, help{Routes(), fault.Kinds()})
			return
		}
		var allowed []string
		for _, route := range routes {
			if route.Path != r.URL.Path {
				continue
			}
			if route.Method != r.Method || route.serve == nil {
				allowed = append(allowed, route.Method)
				continue
			}
			answer, err := route.serve(&o, r)
			if err != nil {
				fail(w, err)
				return
			}
			writeJSON(w, http.StatusOK, answer)
			return
		}
		if len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": fmt.Sprintf("%s takes %s", r.URL.Path, strings.Join(allowed, ", "))})
			return
		}
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "known are " + known() + "; GET /help explains them"})
	})
}

// known lists the paths with their methods.
func known() string {
	methods := map[string][]string{}
	for _, r := range routes {
		methods[r.Path] = append(methods[r.Path], r.Method)
	}
	list := make([]string, 0, len(methods))
	for path, m := range methods {
		list = append(list, path+" ("+strings.Join(m, " ")+")")
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

// problem is an error that has an HTTP status other than 400.
type problem struct {
	status int
	err    error
}

func (p *problem) Error() string { return p.err.Error() }

// missing is the error for a part that this stand-in runs without.
func missing(what string) error {
	return &problem{http.StatusNotImplemented, errors.New(what + " is not available in this stand-in")}
}

func fail(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if p := (*problem)(nil); errors.As(err, &p) {
		status = p.status
	}
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

// maxBody is the longest request body, in bytes.
const maxBody = 1 << 20

// read decodes the body, which must be one JSON value with known fields only.
func read(r *http.Request, into any) error {
	dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the body must be JSON; GET /help shows what is sent")
		}
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the JSON value")
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	text, err := json.MarshalIndent(v, "", "    ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a client that has gone away is seen by the HTTP server
}

var ok = map[string]string{"status": "OK"}

// help is what GET /help answers.
type help struct {
	Routes []Route      `json:"routes"`
	Faults []fault.Info `json:"faults"`
}
