package ingest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Late reads the headers that are checked once the transaction has begun: first
// what the BE checks of them, then what the planner of the FE says before it looks
// at the table, each in its order. Headers that the release does not know are not
// read, like on the real server.
func (q *Request) Late(h http.Header) error {
	for _, read := range []func(http.Header) error{
		q.readRows, q.readPartitions, q.readQuality, q.readUpdate, q.readRunning, q.readOneCodec,
	} {
		if err := read(h); err != nil {
			return err
		}
	}
	q.remember(h)
	q.planned = true
	for _, read := range []func(http.Header) error{q.readColumns, q.readDelimiters, q.readZone, q.readJSON, q.readCodec} {
		if err := read(h); err != nil {
			return err
		}
	}
	return nil
}

// Planned tells whose the error of Late is: true once the BE found nothing wrong
// and the planner was asked.
func (q *Request) Planned() bool { return q.planned }

// readRows reads how CSV fields and lines are to be taken.
func (q *Request) readRows(h http.Header) error {
	if !q.options.Release.AtLeast(3, 0) || q.InTransaction {
		return nil
	}
	if v := h.Get("skip_header"); v != "" {
		n, ok := leadingInt(v)
		if !ok {
			return inWords("Invalid csv load skip_header format")
		}
		if n < 0 {
			return fmt.Errorf("skip_header must be equal or greater than 0")
		}
		q.skip = int(n)
	}
	if v := h.Get("trim_space"); v != "" {
		var ok bool
		if q.trim, ok = parseBool(v); !ok {
			return inWords("Invalid trim space format. Must be bool type")
		}
	}
	if v := h.Get("enclose"); v != "" {
		q.enclose = v[0]
	}
	if v := h.Get("escape"); v != "" {
		q.escape = v[0]
	}
	return nil
}

func (q *Request) readPartitions(h http.Header) error {
	names, temporary := h.Get("partitions"), h.Get("temporary_partitions")
	if names != "" && temporary != "" {
		return inWords("Can not specify both partitions and temporary partitions")
	}
	q.temporary = temporary != ""
	if names += temporary; names != "" {
		for _, n := range strings.Split(strings.TrimSpace(names), ",") {
			q.partitions = append(q.partitions, strings.TrimSpace(n))
		}
	}
	return nil
}

func (q *Request) readQuality(h http.Header) error {
	q.negative = h.Get("negative") == "true"
	if v := h.Get("strict_mode"); v != "" {
		var ok bool
		if q.strict, ok = parseBool(v); !ok {
			return inWords("Invalid strict mode format. Must be bool type")
		}
	}
	if v := h.Get("load_mem_limit"); v != "" {
		n, ok := leadingInt(v)
		if !ok {
			return inWords("Invalid load mem limit format")
		}
		if n < 0 {
			return fmt.Errorf("load_mem_limit must be equal or greater than 0")
		}
		q.memory = n
	}
	q.ratio = leadingFloat(h.Get("max_filter_ratio"))
	return nil
}

func (q *Request) readUpdate(h http.Header) error {
	if v := h.Get("partial_update"); q.InTransaction {
		q.partial = v == "true"
	} else if v != "" {
		var ok bool
		if q.partial, ok = parseBool(v); !ok {
			return inWords("Invalid partial update flag format. Must be bool type")
		}
	}
	q.merge = h.Get("merge_condition")
	// Any other word means row, which auto comes to as well.
	q.byColumn = h.Get("partial_update_mode") == "column" && q.options.Release.AtLeast(3, 1)
	return nil
}

// readRunning reads what tells the server how to run the plan. The codec between
// the BEs, an unknown one too, and the parallelism show in no answer.
func (q *Request) readRunning(h http.Header) error {
	if v := h.Get("load_dop"); v != "" {
		if _, ok := leadingInt(v); !ok {
			return inWords("Invalid load_dop format")
		}
	}
	if v := h.Get("log_rejected_record_num"); v != "" && q.options.Release.AtLeast(3, 1) && !q.InTransaction {
		n, ok := leadingInt(v)
		if !ok {
			return inWords("Invalid log_rejected_record_num format")
		}
		if n < -1 {
			return fmt.Errorf("log_rejected_record_num must be equal or greater than -1")
		}
		q.rejected = n
	}
	if v := h.Get("exec_mem_limit"); v != "" {
		n, ok := leadingInt(v)
		if !ok || n <= 0 {
			return fmt.Errorf("exec_mem_limit must be greater than 0")
		}
		if q.memory == 0 || n < q.memory {
			q.memory = n
		}
	}
	return nil
}

func (q *Request) readColumns(h http.Header) error {
	if v := h.Get("columns"); strings.TrimSpace(v) != "" {
		var err error
		if q.columns, err = splitColumns(v); err != nil {
			return err
		}
	}
	q.where = strings.TrimSpace(h.Get("where"))
	return nil
}

func (q *Request) readDelimiters(h http.Header) error {
	var err error
	if v, ok := present(h, "column_separator"); ok {
		if q.separator, err = parseDelimiter(v, "column separator"); err != nil {
			return err
		}
	}
	if v, ok := present(h, "row_delimiter"); ok {
		q.delimiter, err = parseDelimiter(v, "row delimiter")
	}
	return err
}

// present tells a header that was sent empty from one that was not sent.
func present(h http.Header, name string) (string, bool) {
	v := h.Values(name)
	if len(v) == 0 {
		return "", false
	}
	return v[0], true
}

func (q *Request) readJSON(h http.Header) error {
	strip := strings.EqualFold(h.Get("strip_outer_array"), "true")
	// The newest documentation has envelope and names no release: 4.0 is the
	// newest played here.
	if v := h.Get("envelope"); strings.EqualFold(v, "debezium") && q.options.Release.AtLeast(4, 0) && !q.InTransaction {
		switch {
		case !q.json:
			return fmt.Errorf("envelope can only be specified when format is json")
		case h.Get("json_root") != "":
			return fmt.Errorf("json_root cannot be specified when envelope is set")
		case strip:
			return fmt.Errorf("strip_outer_array cannot be specified when envelope is set")
		}
		q.debezium = true
	} else if v != "" && q.options.Release.AtLeast(4, 0) && !q.InTransaction && !strings.EqualFold(v, "none") {
		return fmt.Errorf("envelope: %s is not known, debezium is", v)
	}
	if !q.json {
		return nil // the server hands these to the JSON scanner alone
	}
	q.stripArray = strip
	var err error
	if v := h.Get("jsonpaths"); v != "" {
		if q.paths, err = parsePaths(v); err != nil {
			return err
		}
	}
	if v := h.Get("json_root"); v != "" {
		q.root, err = parsePath(v)
	}
	return err
}

// leadingInt reads the whole number a text begins with, whatever follows it.
func leadingInt(s string) (int64, bool) {
	s = strings.TrimLeft(s, " \t")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[0] == '-' || s[0] == '+')) {
		end++
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	return n, err == nil
}

// leadingFloat reads the number a text begins with, 0 without one. Words for
// infinity and for no number count as numbers.
func leadingFloat(s string) float64 {
	s = strings.TrimLeft(s, " \t")
	for end := min(len(s), 64); end > 0; end-- {
		if strings.ContainsRune("_", rune(s[end-1])) {
			continue
		}
		if f, err := strconv.ParseFloat(s[:end], 64); err == nil {
			return f
		}
	}
	return 0
}
