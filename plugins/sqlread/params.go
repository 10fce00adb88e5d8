package sqlread

import (
	"github.com/gx-etl/gx/job/options"
)

// Params are the parameters that readers of all dialects share, under the names of DataWorks and DataX.
type Params struct {
	JdbcURL  options.Value   `json:"jdbcUrl" doc:"Where the servers listen, such as jdbc:mysql://host:port/database or host:port: a text, or an array whose servers are tried in order."`
	Username string          `json:"username" doc:"User with the SELECT privilege on the tables."`
	Password *options.Secret `json:"password" gx:"emptyOk" doc:"Password; may be empty."`

	SelectedDatabase string       `json:"selectedDatabase" gx:"alias=database,keyWins" doc:"Database of the tables; that of jdbcUrl by default. Those of connection come before it."`
	Table            []string     `json:"table" doc:"Table, or db.table; an array, a text with commas, or a pattern such as orders_[00-31] stand for several tables of one shape, which are read as one."`
	Connection       []Connection `json:"connection" doc:"The form of DataX, and of sources that are spread over several servers: each element has tables or queries of its own."`

	Column   []string `json:"column" doc:"What to read: names, constants, expressions with or without AS, or [\"*\"] for all columns. Before the first may stand a hint: /*+ SET_VAR(enable_spill = true) */ id."`
	Where    string   `json:"where" doc:"Condition that the rows must meet; it is put in parentheses."`
	QuerySQL []string `json:"querySql" doc:"Queries whose rows are read, in place of table, column, where and splitPk; each is one shard."`

	SplitPk     string `json:"splitPk" doc:"Column by whose values the tables are cut into shards that are read side by side, best the first column of the primary key: whole numbers, DECIMAL, dates, times and texts."`
	SplitFactor int    `json:"splitFactor" default:"5" gx:"min=1,max=1000" doc:"Shards for each lane, so that lanes whose shards are small take more of them. With one lane nothing is cut."`

	Session []string `json:"session" doc:"Statements that prepare each connection, such as SET time_zone = '+08:00'."`
	Binary  string   `json:"binary" default:"raw" gx:"enum=raw|hex|base64" doc:"How bytes of binary columns travel: as they are, or as text of hexadecimal or base64 digits."`

	ConnectTimeoutMs int64 `json:"connectTimeoutMs" default:"10000" gx:"min=100,max=600000,duration=ms" doc:"Time to connect to a server, in ms."`
	QueryTimeoutSec  int64 `json:"queryTimeoutSec" default:"86400" gx:"min=1,max=259200,duration=s" doc:"Time that reading one shard may take, in s; the server is told."`
	MetadataSec      int64 `json:"metadataTimeoutSec" default:"300" gx:"min=1,max=86400,duration=s" doc:"Time for one answer about tables, bounds and types, in s."`
	MaxRetries       int   `json:"maxRetries" default:"3" gx:"min=0,max=100" doc:"Attempts after the first for a shard whose connection breaks before a batch of it has been sent."`

	FetchSize         options.Value `json:"fetchSize" gx:"ignored" doc:"Rows are always streamed."`
	CheckSlave        options.Value `json:"checkSlave" gx:"ignored" doc:"Name the replicas in jdbcUrl."`
	MandatoryEncoding string        `json:"mandatoryEncoding" doc:"Not a setting: texts are UTF-8."`
	Hint              string        `json:"hint" doc:"Not a setting: a hint stands before the first column."`
	PreSQL            []string      `json:"preSql" doc:"Not a setting of a reader: it changes nothing at its source."`
}

// Connection is one element of the DataX form.
type Connection struct {
	JdbcURL          options.Value   `json:"jdbcUrl" doc:"As jdbcUrl."`
	Username         string          `json:"username" doc:"As username."`
	Password         *options.Secret `json:"password" gx:"emptyOk" doc:"As password."`
	SelectedDatabase string          `json:"selectedDatabase" gx:"alias=database,keyWins" doc:"As selectedDatabase."`
	Table            []string        `json:"table" doc:"As table."`
	QuerySQL         []string        `json:"querySql" doc:"As querySql."`
}
