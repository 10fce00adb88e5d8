package sqlreader

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/sdk/sdktest"
)

const orders = `
	CREATE DATABASE shop;
	CREATE TABLE shop.orders (id BIGINT NULL, item VARCHAR(40), price DECIMAL(10,2), at DATETIME) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 3;
`

// fill inserts ids 1 … n, and one row whose id is NULL.
func fill(n int) string {
	rows := []string{"(NULL, 'no id', NULL, NULL)"}
	for i := 1; i <= n; i++ {
		rows = append(rows, fmt.Sprintf("(%d, 'item %d', %d.25, '2024-01-02 03:04:05.%06d')", i, i, i, i))
	}
	return orders + "INSERT INTO shop.orders VALUES " + strings.Join(rows, ", ") + ";"
}

func TestConformance(t *testing.T) {
	for name, plugin := range dialects {
		t.Run(name, func(t *testing.T) {
			s := start(t, fill(300))
			sdktest.Reader(t, sdktest.ReaderCase{
				Plugin:     plugin,
				Parameters: parameters(s, `, "table": "orders", "column": ["id", "item", "upper(item) AS loud", "price", "at", "7"], "where": "id > 100 or id is null", "splitPk": "id"`),
				Rows:       201,
				Want: func(t *testing.T, all []sdktest.Row) {
					seen := map[any]bool{}
					for _, r := range all {
						id := r.Get("id")
						if seen[id] {
							t.Fatalf("id %v comes twice", id)
						}
						seen[id] = true
						if id != nil && (r.Get("price") != fmt.Sprintf("%d.25", id) || r.Get("loud") != fmt.Sprintf("ITEM %d", id)) {
							t.Errorf("%s", r)
						}
					}
				},
			})
		})
	}
}

func TestTabletsConform(t *testing.T) {
	s := start(t, fill(100))
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin:     dialects["starrocks"],
		Parameters: parameters(s, `, "table": "shop.orders", "column": ["*"], "splitBy": "tablet"`),
		Rows:       101,
	})
}

func TestQueriesConform(t *testing.T) {
	for name, plugin := range dialects {
		t.Run(name, func(t *testing.T) {
			s := start(t, fill(100))
			sdktest.Reader(t, sdktest.ReaderCase{
				Plugin:     plugin,
				Parameters: parameters(s, `, "querySql": ["SELECT id, item FROM orders WHERE id <= 50 -- the first half", "SELECT id, item FROM orders WHERE id > 50;"]`),
				Rows:       100,
			})
		})
	}
}
