package kafka

import "github.com/gx-etl/gx/job/options"

// dataWorksWriter are keys of DataWorks' Kafka Writer that say by position or by Java type what gx says by name. A job that
// has them is told what to write instead: read another way they would make other messages without a word.
type dataWorksWriter struct {
	KeyIndex        options.Value `json:"keyIndex" gx:"emptyIsUnset" doc:"Of DataWorks, not available: keyColumns names the column."`
	KeyIndexes      options.Value `json:"keyIndexes" gx:"emptyIsUnset" doc:"Of DataWorks, not available: keyColumns names the columns."`
	ValueIndex      options.Value `json:"valueIndex" gx:"emptyIsUnset" doc:"Of DataWorks, not available: messageFormat text with valueColumns writes one column."`
	WriteMode       options.Value `json:"writeMode" gx:"emptyIsUnset" doc:"Of DataWorks, not available: messageFormat csv or json."`
	KeyType         options.Value `json:"keyType" gx:"emptyIsUnset" doc:"Of DataWorks, not available: keys are texts, JSON, or bytes as they come; see keyFormat."`
	ValueType       options.Value `json:"valueType" gx:"emptyIsUnset" doc:"Of DataWorks, not available: values are what messageFormat says."`
	NullKeyFormat   options.Value `json:"nullKeyFormat" gx:"emptyIsUnset" doc:"Of DataWorks, not available: a key of NULL is no key."`
	NullValueFormat options.Value `json:"nullValueFormat" gx:"emptyIsUnset" doc:"Of DataWorks, not available: nullFormat, with messageFormat csv."`
	Partition       options.Value `json:"partition" gx:"emptyIsUnset" doc:"Of DataWorks, not available: partitioner manual takes the partition from the column __partition__."`
}

// refused gives the keys that are there, with what to write instead.
func (d *dataWorksWriter) refused(add func(code, key, seen, want, try string)) {
	for _, k := range []struct {
		key, seen, try string
		value          options.Value
	}{
		{"keyIndex", "columns have names here, and none is found by its position", `"keyColumns": ["id"]`, d.KeyIndex},
		{"keyIndexes", "columns have names here, and none is found by its position", `"keyColumns": ["shop", "id"]`, d.KeyIndexes},
		{"valueIndex", "columns have names here, and none is found by its position", `"messageFormat": "text", "valueColumns": ["body"]`, d.ValueIndex},
		{"writeMode", "messageFormat says what a value is", `"messageFormat": "json", or "csv" with "fieldDelimiter": "\t", "quote": ""`, d.WriteMode},
		{"keyType", "numbers as the bytes of a Java type are not available", `"keyFormat": "text", or leave it out`, d.KeyType},
		{"valueType", "numbers as the bytes of a Java type are not available", "leave it out", d.ValueType},
		{"nullKeyFormat", "a key of NULL is no key", "leave it out", d.NullKeyFormat},
		{"nullValueFormat", "what stands for NULL is not the same in every format", `"nullFormat": "null" with messageFormat csv`, d.NullValueFormat},
		{"partition", "a partition for all rows is not available", `"partitioner": "manual" and a column __partition__`, d.Partition},
	} {
		if k.value.Given() {
			add(options.CodeNotSupported, k.key, k.seen, "", k.try)
		}
	}
}
