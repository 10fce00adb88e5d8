package streamload

import (
	"slices"
	"strings"
)

// knownHeaders are the load properties that a user may set, as StarRocks spells them.
var knownHeaders = []string{
	"column_separator", "columns", "compression", "enclose", "escape", "exec_mem_limit", "format", "ignore_json_size",
	"json_root", "jsonpaths", "load_dop", "load_mem_limit", "log_rejected_record_num", "max_filter_ratio",
	"merge_condition", "negative", "partial_update", "partial_update_mode", "partitions", "row_delimiter",
	"strict_mode", "strip_outer_array", "temporary_partitions", "timeout", "timezone", "transmission_compression_type",
	"trim_space", "warehouse", "where",
}

// reservedHeaders belong to the protocol; the value says what to do instead.
var reservedHeaders = map[string]string{
	"authorization":     "username and password",
	"expect":            "gx always sends it",
	"label":             "labelPrefix",
	"content-length":    "gx sends bodies of unknown length",
	"transfer-encoding": "gx sends bodies of unknown length",
	"content-encoding":  "compression",
	"host":              "loadUrl",
	"connection":        "gx decides",
}

// refusedHeaders are known to StarRocks, and would take from gx what its promises rest on.
var refusedHeaders = map[string]string{
	"skip_header":              "gx sends no header line, so it would drop rows",
	"envelope":                 "set messageFormat on the reader",
	"enable_merge_commit":      mergeCommit,
	"merge_commit_async":       mergeCommit,
	"merge_commit_interval_ms": mergeCommit,
	"merge_commit_parallel":    mergeCommit,
	"transaction_type":         "the transaction interface is not available yet",
	"prepared_timeout":         "the transaction interface is not available yet",
	"idle_transaction_timeout": "the transaction interface is not available yet",
	"channel_id":               "the transaction interface is not available yet",
	"channel_num":              "the transaction interface is not available yet",
	"db":                       "selectedDatabase",
	"table":                    "table",
}

const mergeCommit = "merge commit replaces the label, by which gx knows what has landed; larger loads serve the same end (adaptiveFlush)"

// KnownHeaders lists the load properties that may be set.
func KnownHeaders() []string { return slices.Clone(knownHeaders) }

// JudgeHeader tells whether a load property may be set. known is false for a name that StarRocks does not have; instead
// says what to use when the property is refused.
func JudgeHeader(name string) (known bool, instead string) {
	name = strings.ToLower(name)
	if instead, no := reservedHeaders[name]; no {
		return true, instead
	}
	if instead, no := refusedHeaders[name]; no {
		return true, instead
	}
	return slices.Contains(knownHeaders, name), ""
}

// IsReserved tells whether the name belongs to the protocol itself.
func IsReserved(name string) bool {
	_, yes := reservedHeaders[strings.ToLower(name)]
	return yes
}

// SafeHeaderValue tells whether a value can travel in one header line.
func SafeHeaderValue(v string) bool {
	for _, b := range []byte(v) {
		if (b < ' ' && b != '\t') || b == 0x7f {
			return false
		}
	}
	return true
}
