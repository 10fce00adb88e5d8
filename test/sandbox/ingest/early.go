package ingest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Early reads the headers that are checked before the transaction begins, in
// the order the server checks them.
func (q *Request) Early(h http.Header, contentLength int64) error {
	limits := &q.options.Limits
	if v := h.Get("enable_merge_commit"); v != "" && q.options.Release.AtLeast(3, 4) {
		var ok bool
		if q.MergeCommit, ok = parseBool(v); !ok {
			return inWords("Invalid parameter enable_merge_commit. The value must be bool type, but is %s", v)
		}
	}
	if contentLength > limits.MaxBodyBytes {
		return limits.bodyTooLarge(contentLength)
	}
	if err := q.readFormat(h.Get("format")); err != nil {
		return err
	}
	q.ignoreSize = strings.EqualFold(h.Get("ignore_json_size"), "true")
	if q.json && !q.ignoreSize && contentLength > limits.MaxJSONBytes {
		return limits.jsonTooLarge(contentLength)
	}
	return q.readTimeout(h.Get("timeout"))
}

// readTimeout also does the check of the range, which the leader FE does when it
// begins the transaction.
func (q *Request) readTimeout(v string) error {
	q.Timeout = 600 * time.Second
	if v == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(strings.TrimSpace(v), 10, 31)
	if err != nil {
		return inWords("Invalid timeout format")
	}
	if seconds < 1 || seconds > 259200 {
		return inWords("Invalid timeout: %d. Timeout should between 1 and 259200 seconds", seconds)
	}
	q.Timeout = time.Duration(seconds) * time.Second
	return nil
}

// readFormat knows no arrow: the paper names it for a release to come, and the
// servers of all releases played here answer as to any unknown word.
func (q *Request) readFormat(format string) error {
	switch strings.ToLower(format) {
	case "", "csv":
	case "json":
		q.json = true
	case "gzip":
		q.codec = gzipCodec
	case "bzip2":
		q.codec = bzip2
	case "lz4":
		q.codec = lz4Frame
	case "deflate":
		q.codec = deflate
	case "zstd":
		q.codec = zstdCodec
	default:
		return fmt.Errorf("unknown data format, format=%s", format)
	}
	return nil
}

func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}
