package load

import (
	"net/http"
	"strconv"
	"strings"
)

// loadMeta answers GET /api/db/table/_stream_load_meta: the BEs that take merged
// loads of the kind that the headers describe.
func (f *frontend) loadMeta(w http.ResponseWriter, r *http.Request, db, table string) {
	user, ok := f.user(w, r)
	if !ok {
		return
	}
	merging := f.s.mergeAsked(r)
	if merging && f.toLeader(w, r) {
		return
	}
	if !f.s.mayInsert(user, db, table) {
		unauthorized(w, noInsert)
		return
	}
	a := metaAnswer{rest: rest{Status: "OK", Code: "0", Msg: "Success", Message: "OK"}}
	types, services := r.URL.Query()["type"], r.URL.Query()["node_service"]
	asks := func(list []string, name string) bool {
		for _, text := range list {
			for _, t := range strings.Split(text, ",") {
				if t == name {
					return true
				}
			}
		}
		return len(list) == 0
	}
	if merging {
		if err := mergeParameters(r.Header); err != nil {
			a.rest = restFailed(err.Error())
			a.Code = codeInvalidArgument
			writeJSON(w, http.StatusOK, a)
			return
		}
	}
	if asks(types, "nodes") {
		var alive []NodeInfo
		for _, b := range f.s.Backends() {
			if b.Alive {
				alive = append(alive, b)
			}
		}
		if n, err := strconv.Atoi(r.Header.Get("merge_commit_parallel")); err == nil && n > 0 && n < len(alive) {
			alive = alive[:n]
		}
		a.Nodes = map[string]string{}
		for _, service := range []string{"http", "brpc"} {
			if asks(services, service) {
				a.Nodes[service] = nodeList(alive, service == "brpc")
			}
		}
	}
	writeJSON(w, http.StatusOK, a)
}

type metaAnswer struct {
	Nodes map[string]string `json:"nodes,omitempty"`
	rest
}

// brpcPort is the port real BEs take brpc loads on; nothing here listens on it.
const brpcPort = "8060"

func nodeList(nodes []NodeInfo, brpc bool) string {
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = n.Addr
		if host, _, ok := strings.Cut(n.Addr, ":"); ok && brpc {
			list[i] = host + ":" + brpcPort
		}
	}
	return strings.Join(list, ",")
}
