package streamload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Answer is what a server says of a load.
type Answer struct {
	TxnID             int64
	Label             string
	Status            string
	ExistingJobStatus string // with "Label Already Exists": RUNNING or FINISHED
	Message           string
	Total             int64 // rows parsed
	Loaded            int64
	Filtered          int64 // rows refused
	Unselected        int64 // rows that loadProps.where left out
	LoadBytes         int64
	ErrorURL          string

	counted bool // the answer had row counts
}

// maxAnswer bounds what is read of any answer, in bytes.
const maxAnswer = 1 << 20

// ParseAnswer reads the body of an answer. Field names are compared without case, numbers may come as texts, and
// unknown fields are left alone.
func ParseAnswer(body []byte) (Answer, error) {
	fields, err := parseObject(body)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{
		Label: text(fields["label"]), Status: text(fields["status"]), ExistingJobStatus: text(fields["existingjobstatus"]),
		Message: text(fields["message"]), ErrorURL: text(fields["errorurl"]),
	}
	if a.Message == "" {
		a.Message = text(fields["msg"])
	}
	for name, to := range map[string]*int64{
		"txnid": &a.TxnID, "numbertotalrows": &a.Total, "numberloadedrows": &a.Loaded,
		"numberfilteredrows": &a.Filtered, "numberunselectedrows": &a.Unselected, "loadbytes": &a.LoadBytes,
	} {
		if *to, err = number(fields[name]); err != nil {
			return Answer{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	_, total := fields["numbertotalrows"]
	_, loaded := fields["numberloadedrows"]
	a.counted = total && loaded
	return a, nil
}

// parseObject reads one JSON object; its keys come out in lower case.
func parseObject(body []byte) (map[string]json.RawMessage, error) {
	var raw map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&raw); err != nil {
		return nil, fmt.Errorf("not a JSON object: %s", clean(string(body), 200))
	}
	if raw == nil {
		return nil, errors.New("the answer is null")
	}
	if rest := bytes.TrimSpace(body[dec.InputOffset():]); len(rest) > 0 {
		return nil, fmt.Errorf("something follows the JSON object: %s", clean(string(rest), 200))
	}
	fields := make(map[string]json.RawMessage, len(raw))
	for k, v := range raw {
		k = strings.ToLower(k)
		if _, twice := fields[k]; twice {
			return nil, fmt.Errorf("the answer holds %s twice", clean(k, 60))
		}
		fields[k] = v
	}
	return fields, nil
}

func text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func number(raw json.RawMessage) (int64, error) {
	t := strings.Trim(string(raw), `" `)
	if t == "" || t == "null" {
		return 0, nil
	}
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is not an integer", clean(t, 40))
	}
	return n, nil
}

// clean makes a text of a server fit for one line of a log: no control or format characters, at most limit bytes, and
// nothing of the row that StarRocks quotes behind ". Row:".
func clean(s string, limit int) string {
	if at := strings.Index(s, ". Row:"); at >= 0 {
		s = s[:at]
	}
	var b strings.Builder
	space := false
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			space = b.Len() > 0
			continue
		}
		if b.Len()+utf8.RuneLen(r)+1 > limit {
			b.WriteString("…")
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
