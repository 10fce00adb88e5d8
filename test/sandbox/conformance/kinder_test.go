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
}

func TestKinder(t *testing.T) {
	servers := &fleet{t: t, servers: map[release.Release]*server{}}
	for _, p := range probes {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range release.All {
				t.Run(r.Line(), func(t *testing.T) {
					t.Parallel()
					p.run(newEnv(t, r, servers.at(r), "k_"+p.name))
				})
			}
		})
	}
}

var probes = []probe{
	{"fe_order", "An FE checks credentials before Expect, and Expect before privileges", feOrder},
	{"fe_http10", "HTTP/1.0 needs no Expect at a newer FE", feHTTP10},
	{"unknown_paths", "Unknown paths and methods at FE and BE", unknownPaths},
	{"be_order", "A BE checks in its order: credentials present, format, timeout, then what the FE knows, then the other headers", beOrder},
	{"header_texts", "Headers with impossible values, each with its text, and ignored by releases that do not know them", headerTexts},
	{"header_effects", "Headers that change what is loaded", headerEffects},
	{"rejected_records", "log_rejected_record_num answers with RejectedRecordPath", rejectedRecords},
	{"partitions", "partitions restricts a load, rows outside are filtered, unknown names are refused", partitions},
	{"negative", "negative subtracts from SUM and is refused for primary keys", negative},
	{"operations_elsewhere", "__op is no column of other models; merge_condition is not the key", operationsElsewhere},
	{"key_size", "A primary key longer than its limit is refused", keySize},
	{"answer_shape", "The fields of an answer, and which come only when", answerShape},
	{"keep_alive", "The connection lives on after Success and closes after Fail", keepAlive},
	{"label_age", "Finished labels are forgotten after label_keep_max_second, running ones are not", labelAge},
	{"label_count_per_database", "label_keep_max_num counts in each database", labelCountPerDatabase},
	{"load_timeout", "timeout ends a load that takes longer", loadTimeout},
	{"transaction_requests", "Transaction requests without database, label, table or a known operation", transactionRequests},
	{"transaction_sizes", "The loads of a transaction add up against the size limits", transactionSizes},
	{"transaction_failures", "What fails in a transaction rolls it back, and a repeated load appends", transactionFailures},
	{"transaction_labels", "Labels of transactions and of loads are one set", transactionLabels},
	{"transaction_limit", "Prepared transactions hold their place in the running limit", transactionLimit},
	{"several_bes", "Loads go round the BEs that live, a transaction stays on its own; no BE is an error", severalBackends},
	{"prepared_timeout", "A prepared transaction waits for prepared_timeout, and before 3.5.4 for its own timeout", preparedTimeout},
	{"concurrency_limit", "enable_http_stream_load_limit refuses loads at once beyond the workers of a BE", concurrencyLimit},
	{"loads_view", "information_schema.loads shows loads by label and state", loadsView},
	{"sql_transactions", "From 3.5 INSERTs between BEGIN and COMMIT become visible together", sqlTransactions},
	{"mapped_columns", "Expressions over temporary, quoted and repeated names; strict mode for what they lose", mappedColumns},
	{"function_defaults", "A column absent from columns takes CURRENT_TIMESTAMP; NULL given is NULL", functionDefaults},
	{"deletes_need_values", "A row that deletes is checked like any other", deletesNeedValues},
	{"aggregates", "Each aggregate function, over rows of one load and of several", aggregates},
	{"object_columns", "BITMAP, HLL and VARBINARY columns load through functions", objectColumns},
	{"timeout_range", "timeout ends at 259200 seconds", timeoutRange},
	{"insert_labels", "INSERT and loads share the labels of a database", insertLabels},
	{"multi_table_rules", "A transaction over several tables keeps to one database, and fails as a whole", multiTableRules},
	{"channels", "Parallel channels of one transaction", channels},
	{"metadata", "Models, columns and tablets in information_schema", metadata},
	{"dates", "Every form of DATE text, and what is no date", dates},
	{"datetimes", "Every form of DATETIME text, and what is none", datetimes},
	{"numbers", "Numbers, their ends, and what is none", numbers},
	{"texts", "CHAR, VARCHAR and BOOLEAN", texts},
	{"json_values", "JSON values into columns of each type", jsonValues},
	{"arrays", "ARRAY text in CSV", arrays},
	{"varchar_length", "The longest VARCHAR a table may have", varcharLength},
	{"session", "Variables out of range and unknown ones are refused; the version shown", session},
	{"json_bodies", "JSON bodies that are not what their headers say", jsonBodies},
	{"csv_enclosed", "Enclosed CSV: delimiters and quotes", csvEnclosed},
}
