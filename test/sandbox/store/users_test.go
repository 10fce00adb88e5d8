package store

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func table(db, name string) Object { return Object{Kind: OnTable, DB: db, Name: name} }

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestPrivileges(t *testing.T) {
	u := NewUsers()
	must(t, u.Create("ann", "pw"), u.CreateRole("loader"), u.CreateRole("outer"),
		u.Grant(Grant{Object: table("d", "t"), Privileges: []Privilege{SelectPriv, InsertPriv}}, "ann", false),
		u.Grant(Grant{Object: table("e", All), Privileges: []Privilege{"ALL"}, WithGrant: true}, "loader", true),
		u.GrantRoles([]string{"loader"}, "outer", true), u.GrantRoles([]string{"outer"}, "ann", false))
	ask := func(p Privilege, o Object, active ...string) bool { return u.Can("ann", active, p, o) }
	for name, c := range map[string]struct{ got, want bool }{
		"granted":             {ask(InsertPriv, table("d", "t")), true},
		"not granted":         {ask(DeletePriv, table("d", "t")), false},
		"another table":       {ask(InsertPriv, table("d", "u")), false},
		"role not active":     {ask(DropPriv, table("e", "x")), false},
		"role of a role":      {ask(DropPriv, table("e", "x"), "outer"), true},
		"role she has not":    {ask(DropPriv, table("e", "x"), "root"), false},
		"may not pass on":     {u.CanGrant("ann", nil, InsertPriv, table("d", "t")), false},
		"may pass on":         {u.CanGrant("ann", []string{"outer"}, InsertPriv, table("e", "t")), true},
		"system":              {ask(OperatePriv, Object{Kind: OnSystem}), false},
		"public":              {ask(SelectPriv, table("information_schema", "tables")), true},
		"sees":                {u.SeesDatabase("ann", nil, "d"), true},
		"does not see":        {u.SeesDatabase("ann", nil, "e"), false},
		"sees by role":        {u.SeesDatabase("ann", []string{"outer"}, "e"), true},
		"root":                {u.Can("root", []string{RoleRoot}, NodePriv, Object{Kind: OnSystem}), true},
		"cluster admin":       {builtin[RoleCluster](NodePriv, Object{Kind: OnSystem}), true},
		"cluster admin, data": {builtin[RoleCluster](SelectPriv, table("d", "t")), false},
		"db admin":            {builtin[RoleDB](InsertPriv, table("d", "t")), true},
		"db admin, nodes":     {builtin[RoleDB](NodePriv, Object{Kind: OnSystem}), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v", name, c.got)
		}
	}
	if u.CanInsert("ann", "e", "x") {
		t.Error("a role that is not active at login counts for HTTP")
	}
	must(t, u.SetDefaultRoles("ann", []string{"outer"}))
	if !u.CanInsert("ann", "e", "x") {
		t.Error("a default role does not count for HTTP")
	}
	must(t, u.Revoke(Grant{Object: table("d", "t"), Privileges: []Privilege{InsertPriv}}, "ann", false), u.DropRole("loader"))
	if ask(InsertPriv, table("d", "t")) || ask(DropPriv, table("e", "x"), "outer") {
		t.Error("revoked rights are left")
	}
	must(t, u.RevokeRoles([]string{"outer"}, "ann", false))
	if len(u.DefaultRoles("ann")) > 0 {
		t.Error("a revoked role is left among the default roles")
	}
	must(t, u.Drop("ann"))
	if _, ok := u.Password("ann"); ok || ask(SelectPriv, table("d", "t")) {
		t.Error("a dropped user is left")
	}
}

func TestUserErrors(t *testing.T) {
	u := NewUsers()
	must(t, u.Create("ann", ""))
	for want, err := range map[string]error{
		"Operation CREATE USER failed for 'ann'@'%' : user already exists": u.Create("ann", ""),
		"cannot find role nope!":      u.Create("bob", "", "nope"),
		"cannot find user 'bob'@'%'!": u.SetPassword("bob", ""),
		"Operation DROP USER failed for 'root'@'%' : cannot drop user root": u.Drop("root"),
		"role root is not mutable!":                                         u.DropRole("root"),
		"Operation CREATE ROLE failed for public : role already exists":     u.CreateRole("public"),
		"Role root is not granted to 'ann'@'%'":                             u.SetDefaultRoles("ann", []string{RoleRoot}),
		"Cannot grant CREATE_TABLE to type TABLE":                           u.Grant(Grant{Object: table("d", "t"), Privileges: []Privilege{CreateTablePriv}}, "ann", false),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestUsersSaved: whatever was granted is the same after saving and reading back,
// and after granting it once more from the list.
func TestUsersSaved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := NewUsers()
		u.Add("admin", "x")
		if err := errors.Join(u.Create("ann", "pw"), u.CreateRole("r"), u.GrantRoles([]string{"r"}, "ann", false), u.SetDefaultRoles("ann", []string{"r"})); err != nil {
			t.Fatal(err)
		}
		names := rapid.SampledFrom([]string{All, "d", "e"})
		for range rapid.IntRange(0, 6).Draw(t, "grants") {
			kind := rapid.SampledFrom([]ObjectKind{OnSystem, OnDatabase, OnTable, OnView}).Draw(t, "kind")
			o := Object{Kind: kind}
			if kind != OnSystem {
				o.DB = names.Draw(t, "db")
			}
			if kind == OnTable || kind == OnView {
				o.Name = names.Draw(t, "name")
			}
			g := Grant{Object: o, Privileges: []Privilege{rapid.SampledFrom(privilegesOf[kind]).Draw(t, "privilege")}, WithGrant: rapid.Bool().Draw(t, "passOn")}
			isRole := rapid.Bool().Draw(t, "to a role")
			to := map[bool]string{true: "r", false: "ann"}[isRole]
			if err := u.Grant(g, to, isRole); err != nil {
				t.Fatal(err)
			}
		}
		text, err := json.Marshal(u)
		if err != nil {
			t.Fatal(err)
		}
		back := &Users{}
		if err := json.Unmarshal(text, back); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ann", "r"} {
			_, want, _ := u.Granted(name, name == "r")
			_, got, err := back.Granted(name, name == "r")
			if err != nil || !slices.EqualFunc(got, want, func(a, b Grant) bool {
				return a.Object == b.Object && a.WithGrant == b.WithGrant && slices.Equal(a.Privileges, b.Privileges)
			}) {
				t.Fatalf("%s: got %v, want %v, %v", name, got, want, err)
			}
		}
		if !back.Check("ann", "pw") || !back.Can("admin", back.DefaultRoles("admin"), NodePriv, Object{Kind: OnSystem}) {
			t.Fatal("accounts differ")
		}
	})
	for _, bad := range []string{"", "{}", `{"users":{"ann":{}}}`, "[1]"} {
		if err := NewUsers().UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
