package ingest

// defaultMemory is the documented default of load_mem_limit, in bytes.
const defaultMemory = 2 << 30

// checkMemory refuses a load that must hold more bytes at a time than
// load_mem_limit and exec_mem_limit allow: a JSON body as a whole, of a CSV body
// what fills the pipe between its reader and its parser, or its longest row.
func (q *Request) checkMemory(held int64) error {
	limit := q.memory
	if limit == 0 {
		limit = defaultMemory
	}
	if held <= limit {
		return nil
	}
	return inWords("Memory of load exceed limit. Start execute plan fragment. Used: %d, Limit: %d. Mem usage has exceed the limit of single query, You can change the limit by set session variable exec_mem_limit or query_mem_limit.", held, limit)
}
