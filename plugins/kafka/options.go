package kafka

import (
	"time"

	"github.com/gx-etl/gx/job/options"
)

// Options are the parameters of the Kafka reader. Names and meanings are those of DataWorks' Kafka Reader; what gx adds
// or decides otherwise stands in the doc of each.
type Options struct {
	Server      []string `json:"server" gx:"required,list,alias=bootstrap.servers|bootstrapServers" doc:"Brokers to begin with, host:port each; a comma list or a list."`
	Topic       []string `json:"topic" gx:"list,alias=topics" doc:"Topics to read; a comma list or a list. Either this or topicsRegex is required."`
	TopicsRegex string   `json:"topicsRegex" gx:"alias=topics.regex" doc:"Reads all topics whose whole name matches this RE2 expression; new ones join a streaming job."`
	Partition   []int32  `json:"partition" gx:"list" doc:"Partitions to read, one or a list; all when missing. Batch only."`

	Column []string `json:"column" doc:"What a row holds: 'constants', fields (tag.desc, a[0].b, a\\.b), __key__, __value__, __partition__, __headers__, __offset__, __timestamp__, __topic__, and __op__ of change data. Missing or [\"*\"]: the whole document, or the target's columns by name."`

	MessageFormat  string    `json:"messageFormat" gx:"alias=dataFormat|schemaFormat,emptyIsUnset" doc:"What values are: json (default), csv, text, avro, protobuf, jsonschema, change data (debezium-json, also known as DEBEZIUM_ENVELOP_JSON_FOR_MQ, debezium-avro, canal-json, ticdc-canal-json, cloudcanal-json, maxwell-json, ogg-json), or raw, which takes keys, values and headers as bytes and looks into none. A Kafka writer with messageFormat raw then gets whole messages; for other targets column names the attributes. Instead, valueConverter.type may say what values are."`
	KeyType        string    `json:"keyType" default:"string" gx:"enum=string|bytearray|long|integer|short|double|float" doc:"How __key__ is read."`
	ValueType      string    `json:"valueType" gx:"enum=string|bytearray|long|integer|short|double|float,emptyIsUnset" doc:"How __value__ is read: string unless given, bytearray for messageFormat raw, and the document itself for avro, protobuf and jsonschema. JSON fields need string or bytearray."`
	KeyConverter   Converter `json:"keyConverter" doc:"Supersedes keyType: {\"type\": \"string\"}, or json, avro, protobuf, jsonschema for keys of that kind."`
	ValueConverter Converter `json:"valueConverter" doc:"{\"type\": \"json\", \"schemasEnable\": false}; with schemasEnable the row is the payload of {\"schema\", \"payload\"}. Avro, protobuf, jsonschema and debezium-avro need schemaRegistryUrl."`
	Explode        string    `json:"explode" doc:"Makes a row of each element of an array: \"$[*]\" of the value itself, \"$.items[*]\" of a field. Columns are then those of an element; \"$.id\" leads into the document around it. Without it an array is a dirty record."`

	Tombstones         string            `json:"tombstones" gx:"enum=drop|delete|dirty,emptyIsUnset" doc:"Change data: what to do with messages without a value. drop (default) counts them as filtered, delete deletes the row that the key names (debezium-json), dirty makes dirty records."`
	OnDelete           string            `json:"onDelete" gx:"enum=error|ignore|append,emptyIsUnset" doc:"Change data: what to do with deletes when the target is no Primary Key table. error (default) ends the job, ignore leaves them out, append adds the deleted row as one more (with __op__ among the columns it can be told)."`
	OnTruncate         string            `json:"onTruncate" gx:"enum=error|ignore|apply,emptyIsUnset" doc:"Change data: what to do when the source's table was truncated. error (default) ends the job, ignore counts the message as filtered; apply is not available yet."`
	OnDDL              string            `json:"onDdl" gx:"enum=error|ignore|apply,emptyIsUnset" doc:"Change data: what to do with messages that tell of DDL, or are no change of rows. error (default) ends the job, ignore counts them as filtered; apply is not available yet."`
	IgnoreUpdateBefore *bool             `json:"ignoreUpdateBefore" doc:"Change data: true (default) makes one upsert of an update; false deletes the row before it first, where the message has it. An update of the primary key always deletes the old one."`
	TimePrecision      string            `json:"timePrecision" gx:"enum=s|ms|us|ns,emptyIsUnset" doc:"Change data without schemas: what numbers count that go into DATETIME and DATE columns. Without it they are dirty records. For DATE columns Debezium's count days, unless timePrecisionColumns names the column."`
	TimePrecisions     map[string]string `json:"timePrecisionColumns" doc:"timePrecision for single columns of the target: {\"created_at\": \"us\"}."`
	DecimalHandling    string            `json:"decimalHandling" gx:"enum=string|precise,emptyIsUnset" doc:"Debezium without schemas: what texts for DECIMAL columns hold, as decimal.handling.mode of its connector says: digits (string), or bytes in base64 (precise). Without it they are dirty records."`
	DecimalScales      map[string]string `json:"decimalScales" doc:"decimalHandling precise: digits behind the point, by column of the target: {\"price\": \"2\"}."`
	TableField         string            `json:"tableField" gx:"enum=table|db.table|schema.table|db.schema.table,emptyIsUnset" doc:"Change data for a writer without a table: what names the destination of a row, for topic2table or as the table itself. The topic when not given."`

	FieldDelimiter *string `json:"fieldDelimiter" doc:"Stands between the cells of csv and text: 1 to 16 bytes, also as \\t, \\x01 or \\u0001. A comma when not given."`
	Quote          *string `json:"quote" doc:"Stands around cells of csv that hold a delimiter, a quote or a line break. A double quote when not given; empty: no quoting."`
	Escape         *string `json:"escape" doc:"Within quotes of csv, takes the meaning from the next character. When not given, a quote within quotes is doubled."`
	NullFormat     *string `json:"nullFormat" doc:"A bare cell of csv and text that is this text is NULL. \\N when not given; empty: empty cells are NULL."`
	Encoding       string  `json:"encoding" default:"UTF-8" gx:"emptyIsUnset" doc:"Encoding of the text in keys and values: UTF-8, GBK, GB18030, UTF-16, UTF-16LE, UTF-16BE or ISO-8859-1. What is no text of it is a dirty record."`
	HeaderEncoding string  `json:"headerEncoding" default:"UTF-8" gx:"emptyIsUnset" doc:"Encoding of headers, as encoding. A header that is no text of it becomes {\"base64\": …}."`
	EmptyValue     string  `json:"emptyValue" default:"skip" gx:"enum=skip|dirty" doc:"What to do with records without a value where a document is needed: skip counts them as filtered, dirty as dirty records."`

	GroupID              string        `json:"groupId" gx:"alias=consumerGroupId" doc:"Consumer group; beats kafkaConfig's group.id. Empty: gx_ and the name of the job, the same on every run."`
	BeginType            string        `json:"beginType" gx:"enum=specific|earliest|current,emptyIsUnset" doc:"Where to begin. Without it: specific when a begin is given, else current, or earliest where the group has no offset yet."`
	BeginDateTime        string        `json:"beginDateTime" doc:"yyyymmddhhmmss, inclusive."`
	BeginTimestampMillis *int64        `json:"beginTimestampMillis" gx:"min=0" doc:"Begin in Unix milliseconds, inclusive."`
	BeginOffset          options.Value `json:"beginOffset" doc:"An offset, seekToBeginning, seekToLast (the group's committed offset), seekToEnd, or an object of these by partition (\"0\" or \"topic/0\")."`
	EndType              string        `json:"endType" gx:"enum=specific|latest,emptyIsUnset" doc:"Where to end a batch. Without it: specific when an end is given, else the present end."`
	EndDateTime          string        `json:"endDateTime" doc:"yyyymmddhhmmss, exclusive."`
	EndTimestampMillis   *int64        `json:"endTimestampMillis" gx:"min=0" doc:"End in Unix milliseconds, exclusive."`
	EndOffset            options.Value `json:"endOffset" doc:"Offset to end before, or an object by partition."`
	TimeZone             string        `json:"timeZone" doc:"Zone of the date times: a name such as Asia/Shanghai, or +08:00. Default: the zone of the process."`
	SkipExceedRecord     bool          `json:"skipExceedRecord" default:"true" doc:"Leave out records past the end that a fetch brought along; false writes them too."`

	StopWhenPollEmpty      bool          `json:"stopWhenPollEmpty" default:"false" doc:"End when nothing came for waitTime: in batch although the end offset is not reached, in streaming as a catch-up run."`
	StopWhenReachEndOffset bool          `json:"stopWhenReachEndOffset" default:"false" doc:"With stopWhenPollEmpty: end only when every partition is read to its newest offset."`
	WaitTime               time.Duration `json:"waitTime" default:"60" gx:"duration=s,min=1,alias=waitTIme" doc:"How long stopWhenPollEmpty waits for records."`

	AutoOffsetReset  string `json:"autoOffsetReset" gx:"enum=none|earliest|latest,emptyIsUnset" doc:"What to do when an offset is not there: none ends the job with an error (default). Beats kafkaConfig."`
	FetchMinBytes    *int32 `json:"fetchMinBytes" gx:"min=1" doc:"Bytes that a broker gathers before it answers; default 1."`
	FetchMaxWaitMs   *int32 `json:"fetchMaxWaitMs" gx:"min=1,max=60000" doc:"How long a broker may gather, in milliseconds; default 500."`
	SessionTimeoutMs *int32 `json:"sessionTimeoutMs" gx:"min=1000,max=3600000" doc:"When the group gives up on a silent member, in milliseconds; default 30000."`
	MaxPollRecords   *int32 `json:"maxPollRecords" gx:"min=1" doc:"Most records of one batch; without it a batch is cut by size."`

	HeartbeatIntervalSec   int    `json:"heartbeatIntervalSec" default:"0" gx:"min=0,alias=dbHeartbeatIntervalSec" doc:"Streaming: tell the lag of quiet partitions this often; 0 is off."`
	HeartbeatToleranceStep int64  `json:"heartbeatToleranceStep" default:"100" gx:"min=0,alias=dbHeartbeatToleranceStep" doc:"No heartbeat while a partition lags by more records than this."`
	HeartbeatTopic         string `json:"heartbeatTopic" doc:"A topic that gets a message for each heartbeat, which says where the reader of a quiet partition is. A job that reads this topic too leaves such messages out."`
	ConsumeParallel        int    `json:"consumeParallel" gx:"min=1" doc:"Lanes; other name of setting.speed.concurrent, which counts when both are given."`

	MetadataRefreshMs int `json:"metadataRefreshMs" default:"60000" gx:"min=100" doc:"How often topics and partitions are looked up anew, in milliseconds."`

	KafkaConfig map[string]options.Value `json:"kafkaConfig" gx:"secret,alias=customClientProps" doc:"Properties of the Java consumer, as an object or a JSON string: fetch.*, session.timeout.ms, security.protocol, sasl.*, ssl.* and more. Unknown ones are ignored with a warning."`
}

// Converter says how keys or values are encoded.
type Converter struct {
	Type          string       `json:"type" gx:"emptyIsUnset" doc:"json, avro, protobuf or jsonschema, or a type of bytes: string, bytes, bytearray, long, integer, short, double, float."`
	SchemasEnable *bool        `json:"schemasEnable" doc:"Whether JSON comes in an envelope of schema and payload."`
	Registry      []string     `json:"schemaRegistryUrl" gx:"list,secret" doc:"Addresses of the schema registry, one or a list: http or https, with the path of its Confluent interface, and perhaps user:password@."`
	Auth          RegistryAuth `json:"schemaRegistryAuth" doc:"How to log in to the registry."`
	ReaderSchema  string       `json:"readerSchema" doc:"Avro: the subject whose newest schema names fields by its aliases, and gives those that a message lacks their default, such as orders-value. Without it they are NULL."`
	Binary        string       `json:"binary" default:"base64" gx:"enum=base64|hex" doc:"Avro, protobuf and debezium-json with schemas: how bytes are written."`
	TimeZone      string       `json:"timeZone" doc:"Avro, protobuf and change data: the zone in which instants are written, such as Asia/Shanghai or +08:00. UTC when not given."`
	Validate      bool         `json:"validate" default:"false" doc:"jsonschema: compares every value with its schema; one that does not fit is a dirty record."`
}

// RegistryAuth is how to log in to a schema registry.
type RegistryAuth struct {
	Username    string          `json:"username" doc:"User for HTTP Basic."`
	Password    *options.Secret `json:"password" gx:"emptyOk" doc:"Password of the user."`
	Token       *options.Secret `json:"token" doc:"Bearer token, in the place of a user."`
	CA          string          `json:"ca" doc:"PEM file of the authorities that the registry's certificate may come from. Without it: those of the system."`
	Certificate string          `json:"certificate" doc:"PEM file of our certificate, for registries that ask for one."`
	Key         string          `json:"key" doc:"PEM file of the key to certificate."`
}

// Check reports every problem that can be seen without a broker.
func (o *Options) Check(path string) []options.Problem {
	_, problems := resolve(o, path)
	return problems
}
