package sqlreader

import (
	"database/sql"
	"encoding/json"

	_ "github.com/go-sql-driver/mysql"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/test/sandbox"
	"pgregory.net/rapid"
)

// statement runs what the descriptor of a shard says and gives the first column.
func statement(t *rapid.T, s *sandbox.Sandbox, sh sdk.Shard) (out []string) {
	var part struct{ SQL string }
	if err := json.Unmarshal(sh.Descriptor, &part); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", "root:@tcp("+s.QueryAddr()+")/")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(part.SQL)
	if err != nil {
		t.Fatalf("%s: %v", part.SQL, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
