package conformance

import (
	"fmt"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/release"
)

// testCase is one numbered case. The releases before since run before instead,
// which shows what a server did that did not have the feature yet.
type testCase struct {
	number string
	name   string
	shows  string
	since  release.Release // zero: every release
	run    func(*env)
	before func(*env)
	// beforeShows says what before shows, for the list.
	beforeShows string
}

func from(major, minor int) release.Release { return release.Release{Major: major, Minor: minor} }

// runAt gives what the case runs under r.
func (c *testCase) runAt(r release.Release) func(*env) {
	if r.AtLeast(c.since.Major, c.since.Minor) {
		return c.run
	}
	return c.before
}

func TestCases(t *testing.T) {
	servers := &fleet{t: t, servers: map[release.Release]*server{}}
	for _, c := range cases {
		t.Run(c.number+"_"+c.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range release.All {
				if run := c.runAt(r); run != nil {
					t.Run(r.Line(), func(t *testing.T) {
						t.Parallel()
						run(newEnv(t, r, servers.at(r), fmt.Sprintf("c%s", c.number)))
					})
				}
			}
		})
	}
}

var cases = []testCase{
	{number: "01", name: "no_expect_on_fe", shows: "An FE refuses a load without Expect: 100-continue, closes and loads nothing", run: noExpectOnFE},
	{number: "02", name: "credentials", shows: "An FE answers 401 to missing and to wrong credentials", run: credentials},
	{number: "03", name: "redirect", shows: "An FE redirects with 307 to a BE on another host, without user info and body", run: redirect},
	{number: "05b", name: "keep_alive_redirect", shows: "A newer FE closes after its 307; an older one stays and takes in whatever body comes", since: from(3, 1), run: redirectCloses,
		before: redirectStays, beforeShows: "the older FE"},
	{number: "06", name: "direct_to_be", shows: "A BE needs no Expect and says in a 200 what is wrong with credentials", run: directToBE},
	{number: "07", name: "rejected_at_header_time", shows: "A bad header is answered before 100 Continue, the body stays unread, the label is free at once", run: rejectedAtHeaderTime},
	{number: "08", name: "label_format", shows: "Labels are 1 to 128 letters, digits, _ and -", run: labelFormat},
	{number: "09", name: "chunked_body", shows: "A chunked body loads as one of known length does", run: chunkedBody},
	{number: "10", name: "sizes", shows: "The size limits of all bodies and of JSON bodies, and ignore_json_size", run: sizes},
	{number: "11", name: "connection_cut", shows: "A load cut in its body goes from PREPARE to ABORTED, shows nothing and frees its label", run: connectionCut},
	{number: "12", name: "csv_basics", shows: "CSV: no final delimiter, blank lines, \\N and the empty string", run: csvBasics},
	{number: "13", name: "null_into_not_null", shows: "NULL into NOT NULL is filtered, and the error log says so", run: nullIntoNotNull},
	{number: "14", name: "max_filter_ratio", shows: "The ratio of filtered rows passes when equal", run: maxFilterRatio},
	{number: "15", name: "strict_mode", shows: "What cannot be converted is NULL, or filtered in strict mode and for NOT NULL", run: strictMode},
	{number: "16", name: "filtered_in_both_modes", shows: "Wrong field count, invalid UTF-8 and too long strings are filtered in both modes", run: filteredInBothModes},
	{number: "17", name: "delimiters", shows: "Delimiters of control bytes, several bytes and UTF-8, also across pieces of the body", run: delimiters},
	{number: "18", name: "bad_delimiters", shows: "Delimiters that cannot be are refused, each with its message", run: badDelimiters},
	{number: "19", name: "enclose", shows: "Enclosed fields hold delimiters and doubled quotes", since: from(3, 0), run: enclose,
		before: encloseIgnored, beforeShows: "enclose is an unknown header: quotes are data"},
	{number: "20", name: "skip_header", shows: "skip_header leaves lines out and may not be negative", since: from(3, 0), run: skipHeader,
		before: skipHeaderIgnored, beforeShows: "skip_header is an unknown header: the line is a row"},
	{number: "21", name: "default_of_absent_column", shows: "A column absent from columns takes its default", run: defaultOfAbsentColumn},
	{number: "22", name: "json_without_key", shows: "A missing JSON key is NULL and not the default", run: jsonWithoutKey},
	{number: "23", name: "no_default", shows: "A NOT NULL column without default must be in columns", run: noDefault},
	{number: "24", name: "expressions_and_where", shows: "columns computes; where unselects", run: expressionsAndWhere},
	{number: "25", name: "json_shapes", shows: "Arrays need strip_outer_array; NDJSON is rows; broken JSON fails all", run: jsonShapes},
	{number: "26", name: "json_keys_and_paths", shows: "JSON keys match exactly; jsonpaths work under json_root", run: jsonKeysAndPaths},
	{number: "27", name: "compression", shows: "Compressed CSV and JSON load as plain ones do", since: from(3, 3), run: compression,
		before: compressionOfCSV, beforeShows: "CSV only; compression of JSON is an unknown header (it came with 3.2.7)"},
	{number: "28", name: "empty_body", shows: "A load without rows fails, in the words of its release", run: emptyBody},
	{number: "29", name: "label_repeated", shows: "A used label is refused: FINISHED after, RUNNING during the first load", run: labelRepeated},
	{number: "30", name: "label_of_failed_load", shows: "The label of a failed load may be used again, under a new transaction", run: labelOfFailedLoad},
	{number: "31", name: "publish_timeout", shows: "Publish Timeout: committed, visible later, never lost", run: publishTimeout},
	{number: "32", name: "answer_lost", shows: "When the answer is lost after the commit, the label answers FINISHED", run: answerLost},
	{number: "33", name: "load_state", shows: "get_load_state for every state of a label, and its errors", run: loadState},
	{number: "34", name: "followers", shows: "A follower FE sends state, cancel, transactions and merge commit to the leader, and loads to a BE", run: followers},
	{number: "35", name: "labels_forgotten", shows: "Labels beyond label_keep_max_num are forgotten at the next sweep, and free again", run: labelsForgotten},
	{number: "36a", name: "version_limit", shows: "A tablet with too many versions refuses loads until compaction", run: versionLimit},
	{number: "36b", name: "running_limit", shows: "max_running_txn_num_per_db refuses further loads until one ends", run: runningLimit},
	{number: "37", name: "unknown_target", shows: "Unknown database, unknown table, missing INSERT privilege; percent-encoded names", run: unknownTarget},
	{number: "39", name: "operations", shows: "__op upserts and deletes, in row order", run: operations},
	{number: "40", name: "partial_update", shows: "A partial update writes its columns; needs a primary key table and the key", run: partialUpdate},
	{number: "41", name: "models", shows: "merge_condition; aggregate and unique tables loaded twice", run: models},
	{number: "42", name: "types", shows: "Values read back: DATETIME, DECIMAL, LARGEINT, ARRAY, JSON", run: types},
	{number: "43", name: "transaction", shows: "begin, two loads, prepare, commit: nothing visible before, totals over both loads", run: transaction},
	{number: "44", name: "transaction_merges_rows", shows: "CSV bodies of a transaction are one stream: a missing delimiter merges rows", run: transactionMergesRows},
	{number: "45", name: "transaction_load_rules", shows: "Other headers, another table or database and unknown labels are refused", run: transactionLoadRules},
	{number: "46", name: "transaction_in_processing", shows: "A second operation during a load is told to come back", run: transactionInProcessing},
	{number: "47", name: "transaction_prepare", shows: "prepare without data and with bad rows", run: transactionPrepare},
	{number: "48", name: "transaction_states", shows: "commit and rollback, each after the other and twice", run: transactionStates},
	{number: "49", name: "transaction_survives_client", shows: "A prepared transaction waits for a client that comes back", run: transactionSurvivesClient},
	{number: "50", name: "transaction_lost", shows: "A BE restart loses PREPARE and keeps PREPARED; idle and old transactions are aborted", run: transactionLost},
	{number: "51", name: "multi_table", shows: "Transactions over several tables: visible together, FE only, no prepare", since: from(4, 0), run: multiTable,
		before: multiTableUnknown, beforeShows: "transaction_type is an unknown header: one table only"},
	{number: "52", name: "merge_commit", shows: "Merge commit: one label and transaction for the requests of a window", since: from(3, 4), run: mergeCommit,
		before: mergeCommitUnknown, beforeShows: "enable_merge_commit is an unknown header: an ordinary load"},
	{number: "53", name: "cancel", shows: "_cancel aborts a running label and refuses a finished one", run: cancel},
	{number: "54", name: "server_side_prepare", shows: "Only SELECT can be prepared: error 1295", since: from(3, 2), run: serverSidePrepare,
		before: noServerSidePrepare, beforeShows: "nothing can be prepared: error 1064"},
	{number: "55", name: "split_pk", shows: "Ranges over INT, BIGINT, LARGEINT, DECIMAL, DATE, DATETIME and VARCHAR cover the table once", run: splitPk},
	{number: "56", name: "tablet_shards", shows: "TABLET(...) shards cover the table once; an unknown tablet is an error", run: tabletShards},
	{number: "57", name: "query_plan", shows: "_query_plan answers with tablets and versions, and refuses what is not a plain scan", run: queryPlan},
}
