package store_test

import (
	"errors"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// TestViews: views share the names of tables, and go with their database.
func TestViews(t *testing.T) {
	s := store.New(store.Options{})
	if err := s.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	schema := store.Schema{Columns: []store.Column{{Name: "k", Type: store.Type{Kind: store.Int}}}, Keys: []string{"k"}}
	if _, err := s.CreateTable("d", "t", schema); err != nil {
		t.Fatal(err)
	}
	var there *store.TableExists
	if err := s.CreateView(store.View{DB: "d", Name: "t"}, true); !errors.As(err, &there) {
		t.Errorf("a view over a table: %v", err)
	}
	var noDB *store.UnknownDatabase
	if err := s.CreateView(store.View{DB: "no", Name: "v"}, false); !errors.As(err, &noDB) {
		t.Errorf("a view in no database: %v", err)
	}
	for i, replace := range []bool{false, false, true} {
		err := s.CreateView(store.View{DB: "d", Name: "v", Query: string(rune('a' + i))}, replace)
		if want := i == 1; errors.As(err, &there) != want || (err != nil) != want {
			t.Errorf("round %d: %v", i, err)
		}
	}
	if v, ok := s.FindView("d", "v"); !ok || v.Query != "c" || len(s.Views("d")) != 1 {
		t.Errorf("%v, %v", v, ok)
	}
	dir := t.TempDir()
	if err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	loaded := store.New(store.Options{})
	if err := loaded.Load(dir); err != nil {
		t.Fatal(err)
	}
	if v, ok := loaded.FindView("d", "v"); !ok || v.Query != "c" || v.DB != "d" {
		t.Errorf("the loaded view is %v, %v", v, ok)
	}
	if _, err := s.CreateTable("d", "v", schema); !errors.As(err, &there) {
		t.Errorf("a table over a view: %v", err)
	}
	if err := s.DropDatabase("d"); err != nil {
		t.Fatal(err)
	}
	var unknown *store.UnknownTable
	if err := s.DropView("d", "v"); !errors.As(err, &unknown) {
		t.Errorf("the view outlives its database: %v", err)
	}
}
