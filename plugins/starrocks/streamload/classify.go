package streamload

import (
	"regexp"
	"strings"
)

// class says what a refusal means for the load. The order of the values means nothing.
type class int

const (
	classOther     class = iota // unknown words: worth a bounded number of tries
	classLanded                 // committed
	classExists                 // the label is taken
	classEmpty                  // nothing was left to write
	classDenied                 // credentials or privileges
	classNotFound               // no such database or table
	classSettings               // a header that StarRocks does not take
	classRows                   // the rows themselves
	classTooLarge               // the body is beyond a limit of the server
	classQuota                  // an operator must act
	classCluster                // servers come and go: another one, soon
	classBusy                   // too much at once: later
	classMemory                 // a server is short of memory: later, or less at once
	classVersions               // too many small loads: much later
	classUncertain              // the server itself does not know
	classWorking                // another operation on the label is running
	classGone                   // the transaction is aborted, or its rows are lost
)

var labelUsed = regexp.MustCompile(`(?i)label \[.*\] has already been used`)

// classOf judges an answer. Only words on a list count as success; whatever is new or garbled does not.
func classOf(a Answer) class {
	switch a.Status {
	case "Success", "Publish Timeout":
		return classLanded
	case "Label Already Exists":
		return classExists
	}
	if labelUsed.MatchString(a.Message) {
		return classExists
	}
	return classOfMessage(a.Message)
}

// fragments come from the server's sources of several releases; the first that is found decides.
var fragments = []struct {
	part string
	is   class
}{
	{"transaction status unknown", classUncertain},
	{"too many filtered rows", classRows},
	{"no rows were imported", classEmpty},
	{"all partitions have no load data", classEmpty},
	{"access denied", classDenied},
	{"no valid basic authorization", classDenied},
	{"need auth information", classDenied},
	{"unknown database", classNotFound},
	{"unknown table", classNotFound},
	{"label format error", classSettings},
	{"invalid delimiter", classSettings},
	{"the valid bytes length for", classSettings},
	{"unknown data format", classSettings},
	{"unsupported compression type", classSettings},
	{"only one of http header content-encoding", classSettings},
	{"there is no 100-continue header", classSettings},
	{"only primary key table support partial update", classSettings},
	{"not in partial update columns", classSettings},
	{"primary key table does not support negative load", classSettings},
	{"column has no default value", classSettings},
	{"duplicate column", classSettings},
	{"mapping column is not in table", classSettings},
	{"unknown reference column", classSettings},
	{"don't support aggregation function", classSettings},
	{"invalid json path", classSettings},
	{"can not specify both partitions", classSettings},
	{"is a materialized view", classSettings},
	{"must be equal or greater than", classSettings},
	{"illegal json", classRows},
	{"strip_outer_array", classRows},
	{"value should be array type", classRows},
	{"failed to parse json", classRows},
	{"primary key size exceed the limit", classRows},
	{"can't support a document that big", classRows},
	{"csv line length exceed limit", classRows},
	{"data size exceeds quota", classQuota},
	{"exceeds quota", classQuota},
	{"body size", classTooLarge},
	{"exceed the max size", classTooLarge},
	{"current running txns on db", classBusy},
	{"exceed http cuncurrent limit", classBusy}, // spelled as the server does
	{"exceed http concurrent limit", classBusy},
	{"too many versions", classVersions},
	{"too large compaction score", classVersions},
	{"no backend alive", classCluster},
	{"no backend or compute node alive", classCluster},
	{"service is shutting down", classCluster},
	{"current fe is not master", classCluster},
	{"mem usage has exceed", classMemory},
	{"memory", classMemory},
	{"timeout", classUncertain},
	{"timed out", classUncertain},
	{"rpc", classUncertain},
}

// invalidFormat covers "Invalid timeout format" and its siblings, one per header.
var invalidFormat = regexp.MustCompile(`invalid [a-z_ ]+ format`)

func classOfMessage(m string) class {
	m = strings.ToLower(m)
	if invalidFormat.MatchString(m) {
		return classSettings
	}
	for _, f := range fragments {
		if strings.Contains(m, f.part) {
			return f.is
		}
	}
	return classOther
}
