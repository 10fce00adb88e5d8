package starrocks

import (
	"time"

	"github.com/gx-etl/gx/job/options"
)

// Params are the parameters of the writer, under the names of DataWorks; aliases are those of DataX and of the StarRocks
// Kafka connector.
type Params struct {
	LoadURL options.Value `json:"loadUrl" gx:"required,alias=starrocks.http.url|load-url|httpHost" doc:"HTTP addresses of the frontends, host or host:port (8030), optionally with http:// or https://: an array, or one text with commas or semicolons. They take turns; one that does not answer is left alone for a while."`
	JdbcURL options.Value `json:"jdbcUrl" gx:"alias=starrocks.jdbc.url|jdbc-url|host" doc:"MySQL addresses of the frontends, such as jdbc:mysql://fe:9030/ or fe:9030: a text or an array. With it the table is checked before the first row, and preSql and postSql can run."`

	Username string          `json:"username" gx:"required,alias=starrocks.username" doc:"User with the INSERT privilege on the table."`
	Password *options.Secret `json:"password" gx:"alias=starrocks.password,emptyOk" doc:"Password; may be empty."`

	SelectedDatabase string        `json:"selectedDatabase" gx:"alias=database|database-name|starrocks.database.name,keyWins" doc:"Database of the table; that of connection[0] comes before it."`
	Table            string        `json:"table" gx:"alias=table-name|starrocks.table.name" doc:"Table, or db.table. Batches that name a table of their own go there."`
	Topic2Table      options.Value `json:"topic2table" gx:"alias=starrocks.topic2table.map" doc:"Where rows go that name their source, such as a topic: an object {\"topic\":\"table\"}, or topic:table,topic:table. A key between slashes is a regular expression, and $1 in its value what the first parentheses matched."`
	Connection       []connection  `json:"connection" doc:"The DataX form: one object with jdbcUrl, selectedDatabase and table."`
	TableModel       string        `json:"tableModel" gx:"enum=primary|unique|aggregate|duplicate,emptyIsUnset" doc:"The model of the table, for jobs without jdbcUrl: rows of change data carry __op (0 upsert, 1 delete) for primary only. With jdbcUrl the table itself is asked, and another model there is an error."`
	Column           []string      `json:"column" doc:"Columns of the table, in the order of the row's values; [\"*\"] or nothing is all of them. __op (0 upsert, 1 delete) may be last for Primary Key tables."`

	LoadProps options.Value            `json:"loadProps" doc:"Stream Load properties, such as format, column_separator, row_delimiter, strict_mode, max_filter_ratio, timeout, columns, where."`
	SinkProps map[string]options.Value `gx:"prefix=sink.properties." doc:"Each is a load property, as in loadProps."`

	MaxBatchRows     int    `json:"maxBatchRows" default:"500000" gx:"min=1,alias=sink.buffer-flush.max-rows" doc:"A load is sent when it has this many rows."`
	MaxBatchSize     int64  `json:"maxBatchSize" default:"5242880" gx:"min=1,bytes,alias=flushBatchMb*1048576" doc:"A load has at most this many bytes, before compression; a single row may exceed it. flushBatchMb counts in MiB."`
	TotalBufferBytes int64  `json:"totalBufferBytes" default:"94371840" gx:"min=1,max=10737418240,bytes,alias=bufferflush.maxbytes|sink.buffer-flush.max-bytes|totalDataInMemMb*1048576" doc:"Rows in memory at once, in bytes, over all lanes and tables; more waits. totalDataInMemMb counts in MiB."`
	FlushInterval    *int64 `json:"flushInterval" gx:"min=1,max=3600000,duration=ms,alias=bufferflush.intervalms|sink.buffer-flush.interval-ms|asyncFlushIntervalSec*1000" doc:"A load is sent when its first row has waited this many ms: 300000 by default in batch jobs, 1000 in streaming ones. asyncFlushIntervalSec counts in s."`
	FlushPauseMs     int64  `json:"flushPauseMs" default:"0" gx:"min=0,max=3600000,duration=ms,alias=realFlushPauseSec*1000" doc:"How long a table rests after a load before the next one begins, in ms, over all lanes. realFlushPauseSec counts in s."`
	AdaptiveFlush    bool   `json:"adaptiveFlush" doc:"Lets gx choose, between small loads and the limits of maxBatchRows, maxBatchSize and flushInterval: loads grow while they come or end too fast on each other or the table has too many versions, and shrink while there is time, so that rows are seen sooner."`
	FlushQueueLength int    `json:"flushQueueLength" default:"1" gx:"min=1,max=64" doc:"Closed loads of a lane that may wait while one is being sent."`
	TablesAtOnce     int    `json:"tablesAtOnce" default:"4" gx:"min=1,max=64" doc:"Loads that a lane sends at once, each into a table of its own. Loads into one table go one after the other."`
	LabelPrefix      string `json:"labelPrefix" gx:"max=64,alias=sink.label-prefix" doc:"Labels begin with it; the job's name by default."`
	MaxRetries       int    `json:"maxRetries" default:"3" gx:"min=-1,max=10,alias=sink.maxretries|sink.max-retries" doc:"Attempts after the first; -1 for ever. Always under the same label."`

	ConnectTimeoutMs      int64 `json:"connectTimeoutMs" default:"1000" gx:"min=100,max=60000,duration=ms,alias=connect.timeoutms|sink.connect.timeout-ms" doc:"Time to connect to a server, in ms."`
	HTTPTimeoutSec        int64 `json:"httpTimeoutSec" default:"0" gx:"min=0,max=604800,duration=s,alias=httpSoTimeoutSec" doc:"Time for one attempt of a load including its answer, in s; 0 is loadProps.timeout (600) and 60 more."`
	QueryTimeoutSec       int64 `json:"queryTimeoutSec" default:"300" gx:"min=1,max=86400,duration=s,alias=soTimeoutSec" doc:"Time for one answer on the MySQL port, in s."`
	UnreachableTimeoutSec int64 `json:"unreachableTimeoutSec" default:"60" gx:"min=1,max=604800,duration=s" doc:"How long no server may answer at all before the job fails, in s. With maxRetries 0 it fails at once, with -1 it never does."`

	DataSaveMode        string `json:"dataSaveMode" default:"append" gx:"enum=append|truncate|errorIfNotEmpty" doc:"What happens to rows that are in the table before the first load: append keeps them, truncate removes them, errorIfNotEmpty ends the job. A streaming job that goes on where an earlier run stopped does not truncate: that is an error, unless preSqlOnResume is set."`
	SchemaSaveMode      string `json:"schemaSaveMode" default:"none" gx:"enum=none|createIfMissing|recreate|errorIfMissing" doc:"What happens to the table itself before the first load: none and errorIfMissing want it to be there, createIfMissing makes it when it is not, recreate makes it anew."`
	CreateTableTemplate string `json:"createTableTemplate" doc:"The CREATE TABLE statement of schemaSaveMode, with @table for the name of the table. Without it recreate makes the table as it was."`
	AllowDestructive    bool   `json:"allowDestructive" doc:"schemaSaveMode recreate may drop the table; --allow-destructive says so too."`

	PreSQL         []string `json:"preSql" doc:"Statements to run once before the first load; @table stands for the table."`
	PreSQLOnResume bool     `json:"preSqlOnResume" doc:"Runs preSql also when a streaming job goes on where an earlier run stopped. Without it only the first start does."`
	PostSQL        []string `json:"postSql" doc:"Statements to run once after the last load has landed."`

	ZeroDate        *string           `json:"zeroDate" gx:"alias=defaultZeroDate" doc:"What zero dates (0000-00-00, with or without a time of zeros) become on their way into DATE and DATETIME columns: null, error (the row is dirty), or a date; 1970-01-01 00:00:00 by default. It needs jdbcUrl, and rows in columns: when it is not given, whole documents keep their zero dates."`
	ZeroDateColumns map[string]string `json:"zeroDateColumns" doc:"zeroDate for single columns: {\"born\":\"null\"}."`
	ConvertTimeZone bool              `json:"convertTimeZone" gx:"alias=enableTimeZoneProcess" doc:"Writes values that carry an instant (timestamps of a time zone, and texts with an offset in DATE and DATETIME columns) as wall clock of timeZone. Times without a zone stay as they are."`
	TimeZone        string            `json:"timeZone" gx:"alias=timezone" doc:"The zone of convertTimeZone: +08:00, or a name such as Asia/Shanghai."`

	StrategyOnError string            `json:"strategyOnError" default:"exit" doc:"What a load does whose rows StarRocks refuses: exit fails the job, batchDirtyData makes all its rows dirty records and goes on, rowDirtyData finds the bad rows, makes those dirty records with StarRocks' own reasons, and loads the others."`
	Redirect        string            `json:"redirect" default:"follow" doc:"Which backends take the loads: follow, those that the frontends name; sameHost, those too, but on the host of the frontend, at the port that it names; be:host:port,host:port, these in turn, without asking a frontend."`
	LogRowData      bool              `json:"logRowData" doc:"Shows refused values in the message that ends a job. Without it only dirty records have them."`
	RedirectMap     map[string]string `json:"redirectMap" doc:"Where a backend is to be reached, by the address the cluster knows it under: {\"127.0.0.1:8040\":\"starrocks:8040\"}."`
	AllowedHosts    []string          `json:"allowedHosts" gx:"list" doc:"Hosts beyond those that the cluster lists which a redirect may lead to: host, host:port or *.suffix."`
	SinkParallelism int               `json:"sink.parallelism" gx:"min=1" doc:"Other name of setting.speed.concurrent, which is what counts."`
	SinkSemantic    string            `json:"sink.semantic" gx:"enum=at-least-once|exactly-once" doc:"Other name of setting.deliveryGuarantee, which is what counts."`
	WriteMode       options.Value     `json:"writeMode" doc:"Not a setting: the table model decides."`
}

// connection is the DataX form of an address.
type connection struct {
	JdbcURL          options.Value `json:"jdbcUrl" doc:"As jdbcUrl."`
	SelectedDatabase string        `json:"selectedDatabase" doc:"As selectedDatabase."`
	Table            []string      `json:"table" gx:"alias=starrocks.table.name" doc:"One table."`
}

// defaultLoadTimeout is what StarRocks gives a load, stream_load_default_timeout_second.
const defaultLoadTimeout = 600 * time.Second
