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

	Column []string `json:"column" doc:"What a row holds: 'constants', fields (tag.desc, a[0].b, a\\.b), __key__, __value__, __partition__, __headers__, __offset__, __timestamp__, __topic__. Missing or [\"*\"]: the whole document, or the target's columns by name."`

	KeyType        string    `json:"keyType" default:"string" gx:"enum=string|bytearray|long|integer|short|double|float" doc:"How __key__ is read."`
	ValueType      string    `json:"valueType" default:"string" gx:"enum=string|bytearray|long|integer|short|double|float" doc:"How __value__ is read. JSON fields need string or bytearray."`
	KeyConverter   Converter `json:"keyConverter" doc:"Supersedes keyType: {\"type\": \"string\"}, or json for keys that are JSON."`
	ValueConverter Converter `json:"valueConverter" doc:"{\"type\": \"json\", \"schemasEnable\": false}; with schemasEnable the row is the payload of {\"schema\", \"payload\"}."`
	MessageFormat  string    `json:"messageFormat" gx:"alias=schemaFormat" doc:"Format of the values: json, or raw, which takes keys, values and headers as bytes and looks into none. A Kafka writer with messageFormat raw then gets whole messages; for other targets column names the attributes."`
	DataFormat     string    `json:"dataFormat" default:"json" gx:"enum=json|text" doc:"json, or text when column holds attributes and constants only."`
	FieldDelimiter string    `json:"fieldDelimiter" doc:"For dataFormat text; splitting values is not available yet."`
	Encoding       string    `json:"encoding" default:"UTF-8" doc:"Encoding of keys and values; UTF-8 is what this version reads."`
	HeaderEncoding string    `json:"headerEncoding" default:"UTF-8" doc:"Encoding of headers; UTF-8 is what this version reads."`
	EmptyValue     string    `json:"emptyValue" default:"skip" gx:"enum=skip|dirty" doc:"What to do with records without a value where a document is needed: skip counts them as filtered, dirty as dirty records."`

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
	HeartbeatTopic         string `json:"heartbeatTopic" doc:"Not available yet: the reader writes to no topic."`
	ConsumeParallel        int    `json:"consumeParallel" gx:"min=1" doc:"Other name of setting.speed.concurrent, which is what counts."`

	MetadataRefreshMs int `json:"metadataRefreshMs" default:"60000" gx:"min=100" doc:"How often topics and partitions are looked up anew, in milliseconds."`

	KafkaConfig map[string]options.Value `json:"kafkaConfig" gx:"secret,alias=customClientProps" doc:"Properties of the Java consumer, as an object or a JSON string: fetch.*, session.timeout.ms, security.protocol, sasl.*, ssl.* and more. Unknown ones are ignored with a warning."`
}

// Converter says how keys or values are encoded.
type Converter struct {
	Type          string `json:"type" doc:"json; for keys also string, bytearray, long, integer, short, double, float."`
	SchemasEnable *bool  `json:"schemasEnable" doc:"Whether JSON comes in an envelope of schema and payload."`
	Registry      string `json:"schemaRegistryUrl" doc:"Not available yet."`
}

// Check reports every problem that can be seen without a broker.
func (o *Options) Check(path string) []options.Problem {
	_, problems := resolve(o, path)
	return problems
}
