package sqlport

import (
	"slices"
	"strings"
)

// freeWords are reserved in the engine's grammar and not in StarRocks': a client may
// give such a name to a column without quoting it.
var freeWords = strings.Fields(`
accessible asensitive audit_abort_exempt before bit_and bit_or bit_xor blob call cascade change condition constraint
continue copy cume_dist cursor day_hour day_microsecond day_minute day_second dec declare delayed deterministic
distinctrow each elseif empty enclosed encrypted encryption_key_id escaped exit fetch firewall_exempt firewall_user
float4 float8 flush_optimizer_costs flush_status flush_tables flush_user_resources foreign format fulltext generated
get group_replication_stream high_priority hour_microsecond hour_minute hour_second innodb_redo_log_archive
innodb_redo_log_enable inout inplace insensitive int1 int2 int3 int4 int8 io_after_gtids io_before_gtids itef_quotes
iterate json_arrayagg json_objectagg json_table leading leave linear lines lock long longblob longtext loop
low_priority master_bind master_ssl_verify_server_cert match mediumblob mediumint mediumtext middleint
minute_microsecond minute_second modifies ndb_stored_user next no_write_to_binlog now nth_value optimize
optimizer_costs option optionally out page_checksum page_compressed page_compression_level plan precision purge
read_write reads real references repeat replication_applier require resignal resource_group_user restrict return
second_microsecond sensitive sensitive_variables_observer set_user_id shared show_routine signal skip_query_rewrite
spatial specific sql sql_big_result sql_cache sql_calc_found_rows sql_no_cache sql_small_result sqlexception sqlstate
sqlwarning ssl starting std stddev stddev_pop stddev_samp stored straight_join substr substring tinyblob tinytext
trailing transactional trigger undo unlock usage utc_date utc_time utc_timestamp var_pop var_samp varcharacter
variance varying vector virtual while write year_month yes zerofill`)

func isFreeWord(w string) bool {
	_, found := slices.BinarySearch(freeWords, strings.ToLower(w))
	return found
}
