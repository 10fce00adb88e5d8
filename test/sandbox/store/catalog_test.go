package store

import (
	"errors"
	"strings"
	"testing"
)

func TestCatalog(t *testing.T) {
	st := New(Options{})
	if err := st.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	var exists *DatabaseExists
	if err := st.CreateDatabase("d"); !errors.As(err, &exists) {
		t.Error(err)
	}
	tab, err := st.CreateTable("d", "t", keyed(Primary))
	if err != nil {
		t.Fatal(err)
	}
	var there *TableExists
	if _, err := st.CreateTable("d", "t", keyed(Primary)); !errors.As(err, &there) {
		t.Error(err)
	}
	var noDB *UnknownDatabase
	var noTable *UnknownTable
	if _, err := st.Table("x", "t"); !errors.As(err, &noDB) {
		t.Error(err)
	}
	if _, err := st.Table("d", "x"); !errors.As(err, &noTable) {
		t.Error(err)
	}
	if names, err := st.Tables("d"); err != nil || strings.Join(names, ",") != "t" || strings.Join(st.Databases(), ",") != "d" {
		t.Error(names, err, st.Databases())
	}
	b := tab.NewBatch(nil)
	if err := st.DropTable("d", "t"); err != nil {
		t.Fatal(err)
	}
	if err := tab.Commit(b); !errors.As(err, &noTable) {
		t.Error(err)
	}
	if err := st.DropTable("d", "t"); !errors.As(err, &noTable) {
		t.Error(err)
	}
	if err := st.DropDatabase("d"); err != nil || st.HasDatabase("d") {
		t.Error(err)
	}
	if err := st.DropDatabase("d"); !errors.As(err, &noDB) {
		t.Error(err)
	}
}

func TestBadSchemas(t *testing.T) {
	ok := Column{Name: "a", Type: Type{Kind: Int}}
	for name, s := range map[string]Schema{
		"no columns":      {},
		"twice":           {Columns: []Column{ok, {Name: "A", Type: Type{Kind: Int}}}},
		"reserved":        {Columns: []Column{{Name: "__op", Type: Type{Kind: Int}}}},
		"no keys":         {Columns: []Column{ok}, Model: Primary},
		"unknown key":     {Columns: []Column{ok}, Keys: []string{"z"}},
		"no aggregate":    {Columns: []Column{ok, {Name: "b", Type: Type{Kind: Int}}}, Keys: []string{"a"}, Model: Aggregate},
		"sum of text":     {Columns: []Column{ok, {Name: "b", Type: Type{Kind: Varchar}, Agg: "SUM"}}, Keys: []string{"a"}, Model: Aggregate},
		"bad default":     {Columns: []Column{{Name: "a", Type: Type{Kind: Int}, Default: text("x")}}},
		"long default":    {Columns: []Column{{Name: "a", Type: Type{Kind: Varchar, Length: 1}, Default: text("xx")}}},
		"auto not bigint": {Columns: []Column{{Name: "a", Type: Type{Kind: Int}, AutoIncrement: true}}},
		"nested text":     {Columns: []Column{{Name: "a", Type: Type{Kind: Array, Text: "map<int,int>"}}}},
	} {
		if _, err := s.checked(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestUsers(t *testing.T) {
	u := NewUsers()
	if !u.Check("root", "") || u.Check("root", "x") || u.Check("nobody", "") || !u.CanInsert("root", "d", "t") {
		t.Error("fresh users")
	}
	u.Add("root", "pw")
	u.Add("r", "")
	u.SetReadOnly("r", true)
	if u.Check("root", "") || !u.Check("root", "pw") || u.CanInsert("r", "d", "t") || u.CanInsert("nobody", "d", "t") {
		t.Error("changed users")
	}
}
