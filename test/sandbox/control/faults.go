package control

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/journal"
)

func status(o *Options, _ *http.Request) (any, error) { return o.status(), nil }

func listFaults(o *Options, _ *http.Request) (any, error) { return o.Faults.List(), nil }

func arm(o *Options, r *http.Request) (any, error) {
	var f fault.Fault
	if err := read(r, &f); err != nil {
		return nil, err
	}
	id, err := o.Faults.Arm(f)
	return map[string]int64{"id": id}, err
}

func disarm(o *Options, r *http.Request) (any, error) {
	id := int64(0)
	if text := r.URL.Query().Get("id"); text != "" {
		var err error
		if id, err = strconv.ParseInt(text, 10, 64); err != nil || id < 1 {
			return nil, fmt.Errorf("id must be the number of a fault, got %q", text)
		}
	}
	return map[string]int{"cleared": o.Faults.Clear(id)}, nil
}

func seed(o *Options, r *http.Request) (any, error) {
	var body struct {
		Seed *uint64 `json:"seed"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if body.Seed == nil {
		return nil, errors.New(`the body must be {"seed": NUMBER}`)
	}
	o.Faults.Seed(*body.Seed)
	return map[string]uint64{"seed": o.Faults.CurrentSeed()}, nil
}

func listRequests(o *Options, r *http.Request) (any, error) {
	q := r.URL.Query()
	list := o.Journal.List(q.Get("body") == "1")
	if server := q.Get("server"); server != "" {
		list = slices.DeleteFunc(list, func(r journal.Request) bool { return r.Server != server })
	}
	if text := q.Get("n"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("n must be how many requests to show, got %q", text)
		}
		list = list[max(0, len(list)-n):]
	}
	return list, nil
}

func clearRequests(o *Options, _ *http.Request) (any, error) {
	o.Journal.Clear()
	return ok, nil
}

func capture(o *Options, r *http.Request) (any, error) {
	var body struct {
		Bodies *bool `json:"bodies"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if body.Bodies == nil {
		return nil, errors.New(`the body must be {"bodies": true} or {"bodies": false}`)
	}
	o.Journal.Capture(*body.Bodies)
	return map[string]bool{"bodies": *body.Bodies}, nil
}
