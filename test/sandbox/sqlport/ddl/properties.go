package ddl

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// properties are the ones that CREATE TABLE takes in the releases played here.
var properties = strings.Fields(`
	base_compaction_forbidden_time_ranges binlog_enable binlog_max_size binlog_ttl_second bloom_filter_columns
	bloom_filter_fpp bucket_size cloud_native_fast_schema_evolution_v2 colocate_with compaction_strategy compression
	datacache.enable datacache.partition_duration distribution_type enable_async_write_back enable_load_profile
	enable_partition_aggregation enable_persistent_index enable_statistic_collect_on_first_load fast_schema_evolution
	file_bundling flat_json.column.max flat_json.enable flat_json.null.factor flat_json.sparsity.factor
	foreign_key_constraints in_memory labels.location lake_compaction_max_parallel mutable_bucket_num partition_live_number
	partition_retention_condition partition_ttl partition_ttl_number persistent_index_type primary_index_cache_expire_sec
	replicated_storage replication_num short_key storage_cooldown_time storage_cooldown_ttl storage_format
	storage_medium storage_type storage_volume table_query_timeout tablet_type time_drift_constraint timeout type
	unique_constraints use_fast_schema_evolution version_info warehouse write_quorum`)

var dynamicProperties = strings.Fields("buckets enable end history_partition_num hot_partition_num prefix replication_num start start_day_of_month start_day_of_week time_unit time_zone")

func knownProperty(name string) bool {
	if rest, ok := strings.CutPrefix(name, "dynamic_partition."); ok {
		return slices.Contains(dynamicProperties, rest)
	}
	return slices.Contains(properties, name)
}

// CheckProperties says what is wrong with the properties of a new table. backends is
// the number of backends that are alive, 0 when nobody knows.
func CheckProperties(s *store.Schema, backends int) error {
	var unknown []string
	for _, k := range slices.Sorted(maps.Keys(s.Properties)) {
		if k != SortKeyProperty && !knownProperty(k) {
			unknown = append(unknown, k+"="+s.Properties[k])
		}
	}
	if err := checkValues(s, s.Properties, backends); err != nil {
		return err
	}
	if len(unknown) > 0 {
		return fmt.Errorf("Unknown properties: {%s}", strings.Join(unknown, ", "))
	}
	return nil
}

// CheckSet says what is wrong with the properties that ALTER TABLE SET gives a table.
func CheckSet(s *store.Schema, set map[string]string, backends int) error {
	dynamic := true
	for _, k := range slices.Sorted(maps.Keys(set)) {
		plain, _ := strings.CutPrefix(k, "default.")
		if !knownProperty(plain) || plain != k && plain != "replication_num" && plain != "storage_medium" {
			return fmt.Errorf("Unknown table property: [%s]", k)
		}
		dynamic = dynamic && strings.HasPrefix(k, "dynamic_partition.")
	}
	if len(set) != 1 && !dynamic {
		return fmt.Errorf("Can only set one table property at a time")
	}
	return checkValues(s, set, backends)
}

func checkValues(s *store.Schema, props map[string]string, backends int) error {
	for _, k := range slices.Sorted(maps.Keys(props)) {
		v, err := props[k], error(nil)
		switch k {
		case "replication_num", "default.replication_num", "dynamic_partition.replication_num":
			err = checkReplicas(v, backends)
		case "storage_medium", "default.storage_medium":
			if m := strings.ToUpper(v); m != "SSD" && m != "HDD" {
				err = fmt.Errorf("Invalid storage medium: %s", v)
			}
		case "bloom_filter_columns":
			err = checkBloom(s, v)
		case "bloom_filter_fpp":
			if f, e := strconv.ParseFloat(v, 64); e != nil {
				err = fmt.Errorf("Bloom filter fpp is not Double")
			} else if f < 0.0001 || f > 0.05 {
				err = fmt.Errorf("Bloom filter fpp should in [1.0E-4, 0.05]")
			}
		case "compression":
			err = checkCompression(v)
		case "write_quorum":
			if q := strings.ToUpper(v); q != "MAJORITY" && q != "ONE" && q != "ALL" {
				err = fmt.Errorf("unknown write quorum: %s", v)
			}
		case "storage_format":
			if f := strings.ToUpper(v); f != "DEFAULT" && f != "V1" && f != "V2" {
				err = fmt.Errorf("unknown storage format: %s", v)
			}
		case "persistent_index_type":
			if t := strings.ToUpper(v); t != "LOCAL" && t != "CLOUD_NATIVE" {
				err = fmt.Errorf("Invalid persistent index type: %s", v)
			}
		case "bucket_size", "mutable_bucket_num", "partition_ttl_number", "partition_live_number":
			if n, e := strconv.ParseInt(v, 10, 64); e != nil {
				err = fmt.Errorf("%s: For input string: \"%s\"", k, v)
			} else if n < 0 || n == 0 && strings.HasPrefix(k, "partition_") {
				err = fmt.Errorf("Illegal %s: %s", k, v)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkReplicas(text string, backends int) error {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 16)
	switch {
	case err != nil:
		return fmt.Errorf("For input string: \"%s\"", text)
	case n <= 0:
		return fmt.Errorf("Replication num should larger than 0. (suggested 3)")
	case backends > 0 && int(n) > backends:
		return fmt.Errorf("Table replication num should be less than or equal to the number of available BE nodes. " +
			"You can change this default by setting the replication_num table properties.")
	}
	return nil
}

func checkBloom(s *store.Schema, list string) error {
	seen := map[string]bool{}
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		at := s.Index(name)
		if at < 0 {
			return fmt.Errorf("Bloom filter column does not exist in table. invalid column: %s", name)
		}
		c := &s.Columns[at]
		switch c.Type.Kind {
		case store.Boolean, store.TinyInt, store.Float, store.Double, store.Binary, store.JSON, store.Array, store.Map, store.Struct, store.Bitmap, store.HLL, store.Percentile:
			kind, _, _ := strings.Cut(strings.ToUpper(c.Type.String()), "(")
			return fmt.Errorf("Invalid bloom filter column '%s': unsupported type %s", c.Name, kind)
		}
		if !c.Key && (c.Agg == "SUM" || c.Agg == "MIN" || c.Agg == "MAX") {
			return fmt.Errorf("Bloom filter index only used in columns of DUP_KEYS/PRIMARY table or key columns of UNIQUE_KEYS/AGG_KEYS table. invalid column: %s", c.Name)
		}
		if seen[c.Name] {
			return fmt.Errorf("Duplicate bloom filter column: %s", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}

func checkCompression(text string) error {
	name, level, leveled := strings.Cut(strings.ToUpper(text), "(")
	switch name {
	case "LZ4", "ZSTD", "ZLIB", "SNAPPY", "LZ4_FRAME", "GZIP", "LZO", "BZIP2", "DEFLATE", "NO_COMPRESSION", "DEFAULT_COMPRESSION":
	default:
		return fmt.Errorf("unknown compression type: %s", text)
	}
	if leveled {
		n, err := strconv.Atoi(strings.TrimSuffix(level, ")"))
		if name != "ZSTD" || err != nil || n < 1 || n > 22 {
			return fmt.Errorf("Invalid level for compression type: %s", text)
		}
	}
	return nil
}
