package conformance

import (
	"testing"

	"github.com/gx-etl/gx/test/sandbox/release"
)

// probe asks the stand-in for one strictness of the server that no case covers.
type probe struct {
	name  string
	shows string
	run   func(*env)
	since release.Release // zero: every release
}

func TestKinder(t *testing.T) {
	servers := &fleet{t: t, servers: map[release.Release]*server{}}
	for _, p := range probes {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range release.All {
				if !r.AtLeast(p.since.Major, p.since.Minor) {
					continue
				}
				t.Run(r.Line(), func(t *testing.T) {
					t.Parallel()
					p.run(newEnv(t, r, servers.at(r), "k_"+p.name))
				})
			}
		})
	}
}

var probes = []probe{
	{name: "fe_order", shows: "An FE checks credentials before Expect, and Expect before privileges", run: feOrder},
	{name: "fe_http10", shows: "HTTP/1.0 needs no Expect at a newer FE", run: feHTTP10},
	{name: "unknown_paths", shows: "Unknown paths and methods at FE and BE", run: unknownPaths},
	{name: "be_order", shows: "A BE checks in its order: credentials present, format, timeout, then what the FE knows, then the other headers", run: beOrder},
	{name: "header_texts", shows: "Headers with impossible values, each with its text, and ignored by releases that do not know them", run: headerTexts},
	{name: "header_effects", shows: "Headers that change what is loaded", run: headerEffects},
	{name: "rejected_records", shows: "log_rejected_record_num answers with RejectedRecordPath", run: rejectedRecords},
	{name: "partitions", shows: "partitions restricts a load, rows outside are filtered, unknown names are refused", run: partitions},
	{name: "negative", shows: "negative subtracts from SUM and is refused for primary keys", run: negative},
	{name: "operations_elsewhere", shows: "__op is no column of other models; merge_condition is not the key", run: operationsElsewhere},
	{name: "key_size", shows: "A primary key longer than its limit is refused", run: keySize},
	{name: "answer_shape", shows: "The fields of an answer, and which come only when", run: answerShape},
	{name: "keep_alive", shows: "The connection lives on after Success and closes after Fail", run: keepAlive},
	{name: "label_age", shows: "Finished labels are forgotten after label_keep_max_second, running ones are not", run: labelAge},
	{name: "label_count_per_database", shows: "label_keep_max_num counts in each database", run: labelCountPerDatabase},
	{name: "load_timeout", shows: "timeout ends a load that takes longer", run: loadTimeout},
	{name: "transaction_requests", shows: "Transaction requests without database, label, table or a known operation", run: transactionRequests},
	{name: "transaction_sizes", shows: "The loads of a transaction add up against the size limits", run: transactionSizes},
	{name: "transaction_failures", shows: "What fails in a transaction rolls it back, and a repeated load appends", run: transactionFailures},
	{name: "transaction_labels", shows: "Labels of transactions and of loads are one set", run: transactionLabels},
	{name: "transaction_limit", shows: "Prepared transactions hold their place in the running limit", run: transactionLimit},
	{name: "several_bes", shows: "Loads go round the BEs that live, a transaction stays on its own; no BE is an error", run: severalBackends},
	{name: "prepared_timeout", shows: "A prepared transaction waits for prepared_timeout, and before 3.5.4 for its own timeout", run: preparedTimeout},
	{name: "concurrency_limit", shows: "enable_http_stream_load_limit refuses loads at once beyond the workers of a BE", run: concurrencyLimit},
	{name: "data_quota", shows: "A database over its data quota takes no transaction more, by HTTP or SQL, until it has room", run: dataQuota},
	{name: "loads_view", shows: "information_schema.loads shows loads by label and state", run: loadsView, since: from(4, 0)},
	{name: "sql_transactions", shows: "From 3.5 INSERTs between BEGIN and COMMIT become visible together", run: sqlTransactions, since: from(3, 5)},
	{name: "mapped_columns", shows: "Expressions over temporary, quoted and repeated names; strict mode for what they lose", run: mappedColumns},
	{name: "function_defaults", shows: "A column absent from columns takes CURRENT_TIMESTAMP; NULL given is NULL", run: functionDefaults},
	{name: "deletes_need_values", shows: "A row that deletes is checked like any other", run: deletesNeedValues},
	{name: "aggregates", shows: "Each aggregate function, over rows of one load and of several", run: aggregates},
	{name: "object_columns", shows: "BITMAP, HLL and VARBINARY columns load through functions", run: objectColumns},
	{name: "timeout_range", shows: "timeout ends at 259200 seconds", run: timeoutRange},
	{name: "insert_labels", shows: "INSERT and loads share the labels of a database", run: insertLabels},
	{name: "multi_table_rules", shows: "A transaction over several tables keeps to one database, and fails as a whole", run: multiTableRules, since: from(4, 0)},
	{name: "channels", shows: "Parallel channels of one transaction", run: channels, since: from(3, 0)},
	{name: "metadata", shows: "Models, columns and tablets in information_schema", run: metadata},
	{name: "dates", shows: "Every form of DATE text, and what is no date", run: dates},
	{name: "datetimes", shows: "Every form of DATETIME text, and what is none", run: datetimes},
	{name: "numbers", shows: "Numbers, their ends, and what is none", run: numbers},
	{name: "texts", shows: "CHAR, VARCHAR and BOOLEAN", run: texts},
	{name: "json_values", shows: "JSON values into columns of each type", run: jsonValues},
	{name: "arrays", shows: "ARRAY text in CSV", run: arrays},
	{name: "varchar_length", shows: "The longest VARCHAR a table may have", run: varcharLength},
	{name: "session", shows: "Variables out of range and unknown ones are refused; the version shown", run: session},
	{name: "json_bodies", shows: "JSON bodies that are not what their headers say", run: jsonBodies},
	{name: "csv_enclosed", shows: "Enclosed CSV: delimiters and quotes", run: csvEnclosed, since: from(3, 0)},
}
